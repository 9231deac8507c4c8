import { rfc3339 } from '../../../../shared/core/clock.ts';
import { isRecord } from '../../../../shared/core/record.ts';
import { conflict, notFound } from '../failures.ts';
import { encodeList } from '../http/encode.ts';
import type { ApiObject } from '../object.ts';
import type { Stored } from '../store/stored.ts';
import { requirePolicy } from '../validation/options.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';
import { dryRun } from './create.ts';
import { selected } from './select.ts';

type Policy = 'Background' | 'Foreground' | 'Orphan';

interface Options {
  propagationPolicy: Policy | undefined;
  gracePeriodSeconds: number | undefined;
  uid: string | undefined;
  resourceVersion: string | undefined;
}

export function deleteOne(state: ServerState, call: Call): Answer {
  const name = call.name ?? '';
  const present = collectionOf(state, call).get(call.namespace, name);
  if (!present) throw notFound(call.kind, name);
  const options = parseOptions(call);
  requirePreconditions(call, present.object, options);
  if (dryRun(call)) return { code: 200, stored: present };
  const left = deleted(state, call, { present, options });
  return left ? { code: 200, stored: left } : { code: 200, text: success(call, present.object) };
}

export function deleteCollection(state: ServerState, call: Call): Answer {
  const options = parseOptions(call);
  const found = selected(state, call);
  if (!dryRun(call)) for (const present of found) deleted(state, call, { present, options });
  return { code: 200, text: encodeList(call.kind, { items: found, revision: state.store.revision }) };
}

/** Deletes, or marks as being deleted; gives the object when it is still there. */
export function deleted(
  state: ServerState,
  call: Pick<Call, 'kind'>,
  what: { present: Stored; options: Options },
): Stored | undefined {
  const { present, options } = what;
  const collection = collectionOf(state, call);
  if (call.kind.collection === '/namespaces') return deletedNamespace(state, call, present);
  const next: ApiObject = { ...present.object, metadata: { ...present.object.metadata } };
  if (!markGraceful(state, call, { next, options })) return present;
  setFinalizers(next, finalizersFor(call, next, options));
  const { finalizers = [], deletionGracePeriodSeconds } = next.metadata;
  if (finalizers.length === 0 && !deletionGracePeriodSeconds) {
    collection.remove(present);
    return undefined;
  }
  markDeleting(state, next, 0);
  return isUnchanged(next, present.object) ? present : collection.put(next);
}

/** A namespace waits for its contents: the namespace controller takes its spec.finalizers away. */
function deletedNamespace(state: ServerState, call: Pick<Call, 'kind'>, present: Stored): Stored {
  if (present.object.metadata.deletionTimestamp !== undefined) return present;
  const next: ApiObject = { ...present.object, metadata: { ...present.object.metadata } };
  markDeleting(state, next, 0);
  delete next.metadata.deletionGracePeriodSeconds;
  next.status = { ...(isRecord(next.status) ? next.status : {}), phase: 'Terminating' };
  return collectionOf(state, call).put(next);
}

/** Sets or shortens the grace period; false when a delete is pending that this one does not change. */
function markGraceful(
  state: ServerState,
  call: Pick<Call, 'kind'>,
  what: { next: ApiObject; options: Options },
): boolean {
  const { next, options } = what;
  const { metadata } = next;
  const grace = call.kind.strategy.gracePeriodSeconds;
  if (metadata.deletionTimestamp === undefined) {
    const seconds = grace?.(next, options.gracePeriodSeconds);
    if (seconds !== undefined && seconds > 0) markDeleting(state, next, seconds);
    return true;
  }
  const pending = metadata.deletionGracePeriodSeconds ?? 0;
  if (options.gracePeriodSeconds === undefined) return grace === undefined;
  if (options.gracePeriodSeconds >= pending) return pending === 0;
  const requestedMs = Date.parse(metadata.deletionTimestamp) - pending * 1000;
  metadata.deletionTimestamp = rfc3339(requestedMs + options.gracePeriodSeconds * 1000);
  metadata.deletionGracePeriodSeconds = options.gracePeriodSeconds;
  return true;
}

function markDeleting(state: ServerState, next: ApiObject, graceSeconds: number): void {
  const { metadata } = next;
  if (metadata.deletionTimestamp !== undefined) return;
  metadata.deletionTimestamp = rfc3339(state.clock.now() + graceSeconds * 1000);
  metadata.deletionGracePeriodSeconds = graceSeconds;
  // Kubernetes counts the wish to delete as a change of what is wanted.
  if (metadata.generation !== undefined) metadata.generation += 1;
}

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/** The garbage collector's two finalizers, as the policy asks for them. */
function finalizersFor(call: Pick<Call, 'kind'>, object: ApiObject, options: Options): string[] {
  const present = object.metadata.finalizers ?? [];
  const untold = options.propagationPolicy === undefined && object.metadata.deletionTimestamp === undefined;
  const byDefault = untold && call.kind.strategy.orphansByDefault && !present.includes(foregroundFinalizer);
  const policy = options.propagationPolicy ?? (byDefault ? 'Orphan' : undefined);
  if (policy === undefined) return present;
  const others = present.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  if (policy === 'Orphan') return [...others, orphanFinalizer];
  if (policy === 'Foreground') return [...others, foregroundFinalizer];
  return others;
}

function setFinalizers(object: ApiObject, finalizers: string[]): void {
  if (finalizers.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = finalizers;
}

function isUnchanged(next: ApiObject, present: ApiObject): boolean {
  return JSON.stringify(next) === JSON.stringify(present);
}

function parseOptions(call: Call): Options {
  const body = isRecord(call.body) ? call.body : {};
  const preconditions = isRecord(body['preconditions']) ? body['preconditions'] : {};
  const policy = body['propagationPolicy'] ?? call.query.get('propagationPolicy') ?? undefined;
  requirePolicy(policy);
  const grace = body['gracePeriodSeconds'] ?? call.query.get('gracePeriodSeconds') ?? undefined;
  return {
    propagationPolicy: policy as Policy | undefined,
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
    uid: textOf(preconditions['uid']),
    resourceVersion: textOf(preconditions['resourceVersion']),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function requirePreconditions(call: Call, object: ApiObject, options: Options): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`;
    throw conflict(call.kind, name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(call.kind, name, `Precondition failed: ${why}`);
  }
}

function success(call: Call, object: ApiObject): string {
  const { group, plural } = call.kind;
  const details = {
    name: object.metadata.name,
    ...(group !== '' && { group }),
    kind: plural,
    uid: object.metadata.uid,
  };
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}
