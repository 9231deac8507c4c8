import type { Cause } from '../failures.ts';
import type { ApiObject } from '../object.ts';
import { structuralCauses } from '../schema/structural.ts';
import type { Definition } from './custom.ts';
import type { Strategy } from './served-kind.ts';

/** Held until every object of the kind is gone, as in Kubernetes. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** CustomResourceDefinitions: names are always accepted, and a kind is served as soon as it is posted. */
export const definitionStrategy: Strategy = {
  prepareCreate(next) {
    next.metadata.finalizers = [...(next.metadata.finalizers ?? []), cleanupFinalizer];
    next.status = acceptedStatus(next, next.metadata.creationTimestamp ?? '');
  },
  applyDefaults(next) {
    const spec = next.spec as (Definition & { conversion?: unknown }) | undefined;
    if (spec?.names === undefined) return;
    spec.names.singular ??= spec.names.kind.toLowerCase();
    spec.names.listKind ??= `${spec.names.kind}List`;
    spec.conversion ??= { strategy: 'None' };
  },
  validate: (next) => definitionCauses(next),
  generationPart: (object) => object.spec,
};

function definitionCauses(object: ApiObject): Cause[] {
  const spec = object.spec as Partial<Definition> | undefined;
  const causes: Cause[] = [];
  const required = (field: string) => causes.push({ reason: 'FieldValueRequired', message: 'Required value', field });
  if (!spec?.group) required('spec.group');
  if (!spec?.names?.plural) required('spec.names.plural');
  if (!spec?.names?.kind) required('spec.names.kind');
  if (!spec?.versions?.length) required('spec.versions');
  if (spec?.scope !== 'Namespaced' && spec?.scope !== 'Cluster') required('spec.scope');
  const name = `${spec?.names?.plural}.${spec?.group}`;
  if (causes.length === 0 && object.metadata.name !== name) {
    const message = `Invalid value: "${object.metadata.name}": must be spec.names.plural+"."+spec.group`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'metadata.name' });
  }
  for (const [index, version] of (spec?.versions ?? []).entries()) {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = version.schema?.openAPIV3Schema;
    if (schema === undefined) required(field);
    else causes.push(...structuralCauses(schema, field));
  }
  return causes;
}

function acceptedStatus(object: ApiObject, timeText: string): unknown {
  const spec = object.spec as Partial<Definition> | undefined;
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: timeText,
  });
  return {
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: spec?.names,
    storedVersions: (spec?.versions ?? []).filter((version) => version.storage).map((version) => version.name),
  };
}
