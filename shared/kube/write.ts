import { assert } from '../core/assert.ts';
import { contentHash, lastingHash, sameJson } from '../core/hash.ts';
import { isFrozenObject, lasting } from '../core/lasting.ts';
import type { KubeClient } from './client.ts';
import { holds } from './holds.ts';
import { annotations } from './names.ts';
import type { KubeObject, ObjectMeta, OwnerReference, Resource } from './object.ts';
import { isNamesake, type Owner } from './ownership.ts';

export type { Owner } from './ownership.ts';

export type Written = 'created' | 'updated' | 'unchanged' | 'terminating';

export interface OwnedChange<T> {
  /** The object as cached, whole (not slimmed beyond `Cache`'s default). */
  present: T | undefined;
  wanted: T;
  /** Becomes the controller reference. */
  owner?: Owner | undefined;
  /** Parts in which nothing foreign is allowed: compared whole, and written again when anything was added to them. */
  exact?: ((object: T) => readonly unknown[]) | undefined;
}

/**
 * Writes an object that we own whole (contract 1): POST, later PUT of the cached object with our parts set. Foreign
 * labels, annotations, finalizers and owner references stay; labels and annotations that we wrote once and no longer want go.
 *
 * What was written last is remembered in annotation `written`. Nothing is sent to what says just what is wanted. Else a difference
 * is: another hash there, one of our leaves differs in `present`, or an `exact` part differs at all. Server defaults are none, and
 * without one nothing is sent.
 * Ownership is the caller's question (`ownership`). Throws `KubeError`; 409 means: look again.
 */
export async function writeOwned<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  change: OwnedChange<T>,
): Promise<Written> {
  const { present, exact } = change;
  const { name } = change.wanted.metadata;
  assert(
    present === undefined || present.metadata.name === name,
    `present is ${present?.metadata.name}, wanted ${name}`,
  );
  const owned = withOwner(change.wanted, change.owner);
  if (present !== undefined && saysJustThat(present, owned)) return 'unchanged';
  const wanted = remembering(owned);
  const { uid, resourceVersion } = present?.metadata ?? {};
  // Of all that we want and of the version that it replaces: what else is in the write comes from that.
  const [hash] = wanted.metadata.annotations?.[annotations.written]?.split(' ', 1) ?? [];
  const saidAs = [uid, resourceVersion, hash].join(' ');
  if (present === undefined) {
    await client.create(resource, wanted, { answer: 'unread', saidAs });
    return 'created';
  }
  if (present.metadata.deletionTimestamp !== undefined) return 'terminating';
  if (isWritten(present, wanted, exact)) {
    noteRendered(wanted, present);
    return 'unchanged';
  }
  await client.replace(resource, merged(present, wanted, change.owner), { answer: 'unread', saidAs });
  return 'updated';
}

function withOwner<T extends KubeObject>(wanted: T, owner: Owner | undefined): T {
  if (owner === undefined) return wanted;
  const ownerReferences = [controllerReference(owner), ...(wanted.metadata.ownerReferences ?? [])];
  return { ...wanted, metadata: { ...wanted.metadata, ownerReferences } };
}

/**
 * We wrote it, it says all that we want and no more, and what we remember of it as ours is that: nothing can be left of what we
 * wanted before. This spares the hash. Others' finalizers are no matter: OCM's agent has one on each work.
 */
function saysJustThat<T extends KubeObject>(present: T, wanted: T): boolean {
  const { deletionTimestamp, annotations: noted, labels, ownerReferences = [], finalizers = [] } = present.metadata;
  const { [annotations.written]: written, ...others } = noted ?? {};
  return (
    written?.endsWith(` ${keyLists(wanted)}`) === true &&
    deletionTimestamp === undefined &&
    sameJson(others, wanted.metadata.annotations ?? {}) &&
    sameJson(labels ?? {}, wanted.metadata.labels ?? {}) &&
    sameJson(ownerReferences, wanted.metadata.ownerReferences ?? []) &&
    (wanted.metadata.finalizers ?? []).every((name) => finalizers.includes(name)) &&
    Object.keys(present).every((name) => name === 'status' || Object.hasOwn(wanted, name)) &&
    Object.entries(wanted).every(([name, part]) => {
      const there: unknown = present[name as keyof T];
      return name === 'metadata' || sameLastingly(part, there) || isRendered(part, there);
    })
  );
}

/**
 * Frozen parts, and what was there for them on an object of which the hash said that we had written nothing else: they, with
 * server defaults, and what others may have added. Only for kinds whose `exact` is always the same.
 */
const rendered = new WeakMap<object, WeakSet<object>>();

/** Works share their specs: a server that adds a default adds the same to thousands, and only the first is hashed. */
function noteRendered<T extends KubeObject>(wanted: T, present: T): void {
  for (const [name, part] of Object.entries(wanted)) {
    const there: unknown = present[name as keyof T];
    if (!isFrozenObject(part) || !isFrozenObject(there)) continue;
    rendered.set(part, (rendered.get(part) ?? new WeakSet()).add(there));
  }
}

function isRendered(wanted: unknown, present: unknown): boolean {
  return isFrozenObject(wanted) && isFrozenObject(present) && rendered.get(wanted)?.has(present) === true;
}

function remembering<T extends KubeObject>(wanted: T): T {
  const memory = `${memoryHash(wanted)} ${keyLists(wanted)}`;
  const noted = { ...wanted.metadata.annotations, [annotations.written]: memory };
  return { ...wanted, metadata: { ...wanted.metadata, annotations: noted } };
}

/** Of the labels, and of the annotations. */
function keyLists({ metadata }: KubeObject): string {
  return `${keyList(metadata.labels)} ${keyList(metadata.annotations)}`;
}

function memoryHash({ metadata, ...rest }: KubeObject): string {
  const parts = Object.entries(rest).map(([name, part]) => [name, partHash(part)]);
  return contentHash({ metadata, ...Object.fromEntries(parts) });
}

/** A part that is frozen is of many works, and is hashed once for all of them. */
function partHash(part: unknown): unknown {
  if (isFrozenObject(part)) return lastingHash(part);
  return typeof part === 'object' && part !== null ? contentHash(part) : part;
}

function isWritten<T extends KubeObject>(present: T, wanted: T, exact: OwnedChange<T>['exact']): boolean {
  // The owner may have been made anew under the same name: the comparison of our leaves sees the new UID.
  const { ownerReferences, finalizers, ...metadata } = wanted.metadata;
  const references = present.metadata.ownerReferences ?? [];
  const [exactly, parts] = [exact?.(wanted) ?? [], exact?.(present) ?? []];
  return (
    holds(present.metadata, metadata) &&
    Object.entries(wanted).every(
      ([name, part]) => name === 'metadata' || holdsLastingly(part, present[name as keyof T]),
    ) &&
    (ownerReferences ?? []).every((ours) => references.some((theirs) => holds(theirs, ours))) &&
    (finalizers ?? []).every((name) => present.metadata.finalizers?.includes(name)) &&
    exactly.every((part, index) => sameLastingly(part, parts[index]))
  );
}

/** Works share their specs, what is wanted of them (`buildWork`) and what is there (`Alike`). */
const holdsLastingly = lasting((wanted, present) => holds(present, wanted));
const sameLastingly = lasting(sameJson);

/** Everything but metadata is ours whole; the server fills in its defaults again. A status is not ours to change here. */
function merged<T extends KubeObject>(present: T, wanted: T, owner: Owner | undefined): T {
  const [, labelKeys, annotationKeys] = (present.metadata.annotations?.[annotations.written] ?? '').split(' ');
  const metadata: ObjectMeta = {
    ...present.metadata,
    labels: { ...without(present.metadata.labels, labelKeys), ...wanted.metadata.labels },
    annotations: { ...without(present.metadata.annotations, annotationKeys), ...wanted.metadata.annotations },
  };
  const finalizers = new Set([...(present.metadata.finalizers ?? []), ...(wanted.metadata.finalizers ?? [])]);
  if (finalizers.size > 0) metadata.finalizers = [...finalizers];
  const references = ownerReferences(
    present.metadata.ownerReferences ?? [],
    wanted.metadata.ownerReferences ?? [],
    owner,
  );
  if (references.length > 0) metadata.ownerReferences = references;
  const status = 'status' in present && !('status' in wanted) ? { status: present.status } : {};
  return { ...wanted, ...status, metadata };
}

/** Ours replace those of the same UID, and the one of our owner's namesake that is gone. */
function ownerReferences(
  present: readonly OwnerReference[],
  wanted: readonly OwnerReference[],
  owner: Owner | undefined,
): OwnerReference[] {
  const replaced = (reference: OwnerReference) =>
    wanted.some((ours) => ours.uid === reference.uid) ||
    (owner !== undefined && reference.controller === true && isNamesake(reference, owner));
  return [...present.filter((reference) => !replaced(reference)), ...wanted];
}

export function controllerReference(owner: Owner): OwnerReference {
  assert(owner.uid !== '', `owner ${owner.kind} ${owner.name} has no UID`);
  const { apiVersion, kind, name, uid } = owner;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Keys of labels and annotations hold neither commas nor spaces. */
function keyList(record: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(record ?? {})
    .sort()
    .join(',');
}

function without(
  record: Readonly<Record<string, string>> | undefined,
  keys: string | undefined,
): Record<string, string> {
  const dropped = new Set(keys?.split(','));
  return Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => !dropped.has(key)));
}
