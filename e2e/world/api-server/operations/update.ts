import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import {
  badRequest,
  conflict,
  invalid,
  methodNotAllowed,
  modifiedMeanwhile,
  notFound,
  unsupportedMediaType,
} from '../failures.ts';
import { invalidValue } from '../field-causes.ts';
import { type ApiObject, copyOf } from '../object.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMergePatch } from '../patch/strategic-merge-patch.ts';
import { Stored } from '../store/stored.ts';
import { admitted } from './admit.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';
import { dryRun, parseObject } from './create.ts';

const jsonPatchType = 'application/json-patch+json';
const mergePatchType = 'application/merge-patch+json';
const strategicPatchType = 'application/strategic-merge-patch+json';

export function update(state: ServerState, call: Call): Answer {
  const present = requirePresent(state, call);
  const next = parseObject(call);
  const { kind } = call;
  if (!next.metadata.resourceVersion && !kind.strategy.unconditionalUpdate) {
    const message = 'Invalid value: 0x0: must be specified for an update';
    throw invalid(kind, present.object.metadata.name, [
      { reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' },
    ]);
  }
  return written(state, call, { present, next });
}

export function patch(state: ServerState, call: Call): Answer {
  const present = requirePresent(state, call);
  const next = parseObject({ ...call, body: patched(call, shown(call, present.object)) });
  return written(state, call, { present, next });
}

/** As the version that was asked for shows it: a patch names its members. */
function shown({ kind }: Call, object: ApiObject): ApiObject {
  return kind.view?.fromStored(object) ?? object;
}

function patched(call: Call, present: ApiObject): unknown {
  switch (call.contentType) {
    case jsonPatchType:
      return jsonPatch(present, call.body);
    case mergePatchType: {
      if (!isRecord(call.body)) throw badRequest('error decoding patch: a merge patch of an object is an object');
      return copyOf(mergePatch(present, call.body));
    }
    case strategicPatchType:
      if (call.kind.builtIn) return copyOf(strategicMergePatch(present, call.body));
      throw unsupportedMediaType([jsonPatchType, mergePatchType]);
    default:
      throw unsupportedMediaType([jsonPatchType, mergePatchType, strategicPatchType]);
  }
}

function requirePresent(state: ServerState, call: Call): Stored {
  const present = collectionOf(state, call).get(call.namespace, call.name ?? '');
  if (!present) throw notFound(call.kind, call.name ?? '');
  return present;
}

/** Stores `next` in place of `present` as far as the subresource may change it. */
function written(state: ServerState, call: Call, change: { present: Stored; next: ApiObject }): Answer {
  const { present, next } = change;
  const previous = present.object;
  requireSameObject(call, next, previous);
  const changed = takeSubresource(call, next, previous);
  keepSystemMetadata(changed, previous);
  if (call.subresource === undefined) call.kind.strategy.prepareUpdate?.(changed, previous);
  admitted(call, changed, previous);
  raiseGeneration(call, changed, previous);
  changed.metadata.resourceVersion = previous.metadata.resourceVersion!;
  if (isDeepStrictEqual(changed, previous)) return { code: 200, stored: present };
  if (dryRun(call)) return { code: 200, stored: new Stored(changed, present.revision) };
  const collection = collectionOf(state, call);
  if (!hasFinished(changed, previous)) return { code: 200, stored: collection.put(changed) };
  // As in Kubernetes, the write itself is never seen: watchers get the removal of what was there.
  const { revision } = collection.remove(present);
  return { code: 200, stored: new Stored(changed, revision) };
}

function requireSameObject(call: Call, next: ApiObject, previous: ApiObject): void {
  const { uid, resourceVersion } = next.metadata;
  const { name } = previous.metadata;
  if (uid && uid !== previous.metadata.uid) {
    // Only what is replaced whole has a uid as its precondition; in a patch it is a change like any other.
    if (call.verb === 'patch')
      throw invalid(call.kind, name, [invalidValue('metadata.uid', uid, 'field is immutable')]);
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`;
    throw conflict(call.kind, name, why);
  }
  if (resourceVersion && resourceVersion !== '0' && resourceVersion !== previous.metadata.resourceVersion) {
    throw conflict(call.kind, name, modifiedMeanwhile);
  }
}

function takeSubresource(call: Call, next: ApiObject, previous: ApiObject): ApiObject {
  const { kind, subresource } = call;
  if (subresource === undefined) {
    if (!kind.hasStatus) return next;
    const { status: _, ...rest } = next;
    return previous.status === undefined ? rest : { ...rest, status: copyOf(previous.status) };
  }
  if (subresource === 'finalize' && kind.collection === '/namespaces') return { ...copyOf(previous), spec: next.spec };
  if (subresource !== 'status' || !kind.hasStatus) throw methodNotAllowed();
  const metadata = kind.strategy.statusKeepsMetadata ? previous.metadata : next.metadata;
  // A copy: defaults that a definition got meanwhile must not reach into the stored object.
  const { status: _, ...rest } = copyOf(previous);
  return { ...rest, metadata: { ...metadata }, ...(next.status !== undefined && { status: next.status }) };
}

/** What no client may change once the object is there. */
function keepSystemMetadata(next: ApiObject, previous: ApiObject): void {
  next.metadata = { ...next.metadata };
  const kept = ['name', 'namespace', 'uid', 'creationTimestamp', 'generation', 'generateName'] as const;
  for (const field of [...kept, 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (previous.metadata[field] === undefined) delete next.metadata[field];
    else Object.assign(next.metadata, { [field]: previous.metadata[field] });
  }
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    const value = next.metadata[field];
    if (value === null || (value !== undefined && Object.keys(value).length === 0)) delete next.metadata[field];
  }
  delete next.metadata['managedFields'];
  delete next.metadata['selfLink'];
}

function raiseGeneration(call: Call, next: ApiObject, previous: ApiObject): void {
  const part = call.kind.strategy.generationPart;
  if (part === undefined || call.subresource !== undefined) return;
  if (!isDeepStrictEqual(part(next), part(previous)))
    next.metadata.generation = (previous.metadata.generation ?? 0) + 1;
}

/** The last finalizer went away, and nothing else holds the object. */
function hasFinished(next: ApiObject, previous: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = next.metadata;
  if (deletionTimestamp === undefined || finalizers.length > 0) return false;
  if (next.kind === 'Namespace') {
    return isRecord(next.spec) && !(Array.isArray(next.spec['finalizers']) && next.spec['finalizers'].length > 0);
  }
  return previous.metadata.deletionGracePeriodSeconds === 0 && deletionGracePeriodSeconds === 0;
}
