import { isRecord } from '../core/record.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject, Resource } from './object.ts';
import type { UnknownMembers } from './unknown-members.ts';

/**
 * Makes the status of `object` (as cached) equal to `status` by a merge patch of what differs, on the status
 * subresource. Lists are replaced whole; keys that vanished become null. Sends nothing when nothing differs; returns whether it wrote.
 * `unknown`, one for a kind and client, keeps what the server drops from being written again and again.
 */
export async function writeStatus<T extends KubeObject & { status?: unknown }>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  status: NonNullable<T['status']>,
  unknown?: UnknownMembers,
): Promise<boolean> {
  const difference = mergePatch(object.status ?? {}, unknown?.without(status) ?? status);
  if (!isRecord(difference)) return false;
  const body = { status: difference };
  const answer = await client.patch(resource, object.metadata, { type: 'merge', body }, { subresource: 'status' });
  unknown?.learn(difference, answer.status ?? {});
  return true;
}

/** The RFC 7386 merge patch that turns `present` into `wanted`, or `undefined` when they are equal. `undefined` members count as absent. */
export function mergePatch(present: unknown, wanted: unknown): unknown {
  if (isRecord(present) && isRecord(wanted)) return recordPatch(present, wanted);
  return equal(present, wanted) ? undefined : withoutUndefined(wanted);
}

function recordPatch(present: Record<string, unknown>, wanted: Record<string, unknown>): unknown {
  // A Map, and own members only: a key may be `constructor` or `__proto__`.
  const patch = new Map<string, unknown>();
  for (const key of Object.keys(present)) {
    if (member(wanted, key) === undefined && present[key] !== undefined) patch.set(key, null);
  }
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const difference = mergePatch(member(present, key), value);
    if (difference !== undefined) patch.set(key, difference);
  }
  return patch.size === 0 ? undefined : Object.fromEntries(patch);
}

function member(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => equal(member(a, key), member(b, key)));
  }
  return a === b;
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
