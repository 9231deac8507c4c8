import type { JsonPatchOperation, KubeClient, WriteOptions } from './client.ts';
import { KubeError } from './errors.ts';
import type { KubeObject, ObjectRef, Resource } from './object.ts';

/** A JSON pointer (RFC 6901) of `segments`, each escaped: label keys hold slashes. */
export function jsonPointer(...segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Sends a JSON patch that carries its own `test` operations. A failed test is answered with 422 by the API server; it
 * means that the object changed meanwhile, so it is thrown as the conflict (409) that it is.
 */
export async function testedPatch<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  patch: WriteOptions & { at: ObjectRef; operations: readonly JsonPatchOperation[] },
): Promise<T> {
  const { at, operations, ...options } = patch;
  try {
    return await client.patch(resource, at, { type: 'json', operations }, options);
  } catch (error) {
    if (error instanceof KubeError && error.status === 422) throw new KubeError(409, 'Conflict', error.message);
    throw error;
  }
}
