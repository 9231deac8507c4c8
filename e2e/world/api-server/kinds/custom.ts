import type { ApiObject } from '../object.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { prune } from '../schema/prune.ts';
import { Rules } from '../schema/rules.ts';
import type { Schema } from '../schema/schema.ts';
import { schemaCauses } from '../schema/validate.ts';
import { customColumns, type PrinterColumn } from '../tables/custom-columns.ts';
import type { ServedKind, Strategy } from './served-kind.ts';

interface Version {
  name: string;
  served: boolean;
  storage?: boolean;
  schema?: { openAPIV3Schema?: Schema };
  additionalPrinterColumns?: PrinterColumn[];
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
  const schema = version.schema?.openAPIV3Schema ?? {};
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
    strategy: customStrategy(hasStatus, schema),
    columns: customColumns(version.additionalPrinterColumns),
    schema,
  };
}

function customStrategy(hasStatus: boolean, written: Schema): Strategy {
  const schema = withoutResourceMembers(written);
  const rules = new Rules(written);
  return {
    statusKeepsMetadata: true,
    prepareCreate(next) {
      if (hasStatus) delete next.status;
    },
    prune: (next) => prune(next, schema),
    applyDefaults: (next) => applyDefaults(next, schema),
    validate(next, previous) {
      const causes = schemaCauses(next, schema);
      // Rules assume values of the right shape.
      return causes.length > 0 ? causes : rules.causes(next, previous);
    },
    // Without a status subresource every change outside the metadata counts.
    generationPart(object) {
      const { apiVersion: _, kind: __, metadata: ___, ...rest } = object;
      if (hasStatus) delete rest.status;
      return rest;
    },
  };
}

/** apiVersion, kind and metadata are the server's own business, whatever a schema says of them. */
function withoutResourceMembers(schema: Schema): Schema {
  const { apiVersion: _, kind: __, metadata: ___, ...properties } = schema.properties ?? {};
  return { ...schema, properties };
}
