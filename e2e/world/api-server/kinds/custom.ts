import { type ApiObject, isRecord } from '../object.ts';
import type { ServedKind, Strategy } from './served-kind.ts';

interface Version {
  name: string;
  served: boolean;
  storage?: boolean;
  subresources?: { status?: unknown };
  selectableFields?: { jsonPath: string }[];
}

/** The part of a CustomResourceDefinition that serving needs. */
export interface Definition {
  group: string;
  scope: 'Namespaced' | 'Cluster';
  names: {
    kind: string;
    plural: string;
    singular?: string;
    listKind?: string;
    shortNames?: string[];
    categories?: string[];
  };
  versions: Version[];
}

/** What a posted CustomResourceDefinition serves: one kind a served version. */
export function customKinds(definition: ApiObject): readonly ServedKind[] {
  const spec = definition.spec as Definition;
  return spec.versions.filter((version) => version.served).map((version) => customKind(spec, version));
}

function customKind(spec: Definition, version: Version): ServedKind {
  const { names } = spec;
  const hasStatus = version.subresources?.status !== undefined;
  return {
    group: spec.group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === 'Namespaced',
    hasStatus,
    builtIn: false,
    selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath.replace(/^\./, '')),
    collection: `${spec.group}/${names.plural}`,
    strategy: customStrategy(hasStatus),
  };
}

function customStrategy(hasStatus: boolean): Strategy {
  return {
    statusKeepsMetadata: true,
    prepareCreate(next) {
      if (hasStatus) delete next.status;
    },
    // Without a status subresource every change outside the metadata counts.
    generationPart(object) {
      const { apiVersion: _, kind: __, metadata: ___, ...rest } = object;
      if (hasStatus && isRecord(rest)) delete rest.status;
      return rest;
    },
  };
}
