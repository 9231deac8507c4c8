import { isRecord } from '../../../shared/core/record.ts';
import type { KubeObject, ObjectMeta } from '../../../shared/kube/object.ts';

/** Any value that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonRecord = { [key: string]: Json };

/** An object as the server keeps it: never changed in place once it is stored. */
export type ApiObject = KubeObject & {
  metadata: ObjectMeta & { [key: string]: unknown };
  spec?: unknown;
  status?: unknown;
  [key: string]: unknown;
};

/** The value at a path of member names, or undefined. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let present = value;
  for (const name of path) {
    if (!isRecord(present)) return undefined;
    present = present[name];
  }
  return present;
}

/** A copy that may be changed; the stored object may not. */
export function copyOf<T>(value: T): T {
  return structuredClone(value);
}
