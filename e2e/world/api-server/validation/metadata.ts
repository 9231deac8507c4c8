import { isRecord } from '../../../../shared/core/record.ts';
import { badRequest, type Cause } from '../failures.ts';
import { forbiddenField, invalidValue, tooLong } from '../field-causes.ts';
import type { ApiObject } from '../object.ts';
import { labelValueFault, nameFault, qualifiedNameFault } from './names.ts';

const known = new Set([
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
]);
const annotationBytesMax = 256 * 1024;

/** Drops what metav1.ObjectMeta does not have, and gives the paths; 400 for labels or annotations that are no texts. */
export function pruneMetadata(object: ApiObject): string[] {
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(object.metadata)) {
    // What old clients still send is no mistake.
    if (name === 'managedFields' || name === 'selfLink' || value === null) delete object.metadata[name];
    else if (!known.has(name)) {
      delete object.metadata[name];
      dropped.push(`metadata.${name}`);
    }
  }
  for (const field of ['labels', 'annotations'] as const) requireTexts(object.metadata[field], `metadata.${field}`);
  return dropped;
}

function requireTexts(value: unknown, path: string): void {
  if (value === undefined) return;
  if (!isRecord(value))
    throw badRequest(`json: cannot unmarshal ${typeof value} into field ${path} of type map[string]string`);
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === 'string') continue;
    throw badRequest(`json: cannot unmarshal ${typeof member} into field ${path}.${key} of type string`);
  }
}

/** What Kubernetes refuses in the metadata of any object. */
export function metadataCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const { metadata } = next;
  const causes: Cause[] = [];
  const fault = previous === undefined ? nameFault(next.kind, metadata.name) : undefined;
  if (fault !== undefined) causes.push(invalidValue('metadata.name', metadata.name, fault));
  causes.push(...labelCauses(metadata.labels ?? {}, 'metadata.labels'));
  causes.push(...annotationCauses(metadata.annotations ?? {}));
  causes.push(...finalizerCauses(next, previous));
  causes.push(...ownerCauses(next));
  return causes;
}

export function labelCauses(labels: Record<string, string>, field: string): Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const causes: Cause[] = [];
    const keyFault = qualifiedNameFault(key);
    if (keyFault !== undefined) causes.push(invalidValue(field, key, keyFault));
    const valueFault = labelValueFault(value);
    if (valueFault !== undefined) causes.push(invalidValue(field, value, valueFault));
    return causes;
  });
}

function annotationCauses(annotations: Record<string, string>): Cause[] {
  const causes: Cause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    const fault = qualifiedNameFault(key.toLowerCase());
    if (fault !== undefined) causes.push(invalidValue('metadata.annotations', key, fault));
  }
  if (bytes > annotationBytesMax) causes.push(tooLong('metadata.annotations', annotationBytesMax));
  return causes;
}

function finalizerCauses(next: ApiObject, previous: ApiObject | undefined): Cause[] {
  const finalizers = next.metadata.finalizers ?? [];
  const causes = finalizers.flatMap((finalizer) => {
    const fault = qualifiedNameFault(finalizer);
    return fault === undefined ? [] : [invalidValue('metadata.finalizers', finalizer, fault)];
  });
  if (previous?.metadata.deletionTimestamp === undefined) return causes;
  const before = previous.metadata.finalizers ?? [];
  const added = finalizers.filter((finalizer) => !before.includes(finalizer));
  if (added.length > 0) {
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
    const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
    causes.push(forbiddenField('metadata.finalizers', detail));
  }
  return causes;
}

function ownerCauses(next: ApiObject): Cause[] {
  const owners = next.metadata.ownerReferences ?? [];
  const causes = owners.flatMap((owner) => {
    // Kubernetes names the list, and not which of its items.
    const absent = (['apiVersion', 'kind', 'name', 'uid'] as const).filter((field) => !owner[field]);
    return absent.map((field) => invalidValue(`metadata.ownerReferences.${field}`, '', 'must not be empty'));
  });
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const [first, second] = controllers;
    const detail =
      'Only one reference can have Controller set to true. ' +
      `Found "true" in references for ${first?.kind}/${first?.name} and ${second?.kind}/${second?.name}`;
    causes.push(invalidValue('metadata.ownerReferences', owners, detail));
  }
  return causes;
}
