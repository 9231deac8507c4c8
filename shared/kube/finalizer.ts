import type { JsonPatchOperation, KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { KubeObject, Resource } from './object.ts';
import { jsonPointer, testedPatch } from './patch.ts';

/**
 * Adds finalizer `name`; other finalizers stay. Returns whether it wrote: not when it is there already, and not on an
 * object that is being deleted, where the server allows no new ones. Throws a conflict when the finalizers changed meanwhile.
 */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  name: string,
): Promise<boolean> {
  const present = object.metadata.finalizers ?? [];
  if (present.includes(name) || object.metadata.deletionTimestamp !== undefined) return false;
  await testedPatch(client, resource, { at: object.metadata, operations: additions(object, present, name) });
  return true;
}

/** Removes finalizer `name`; returns whether it wrote. An object that is gone is no failure. Throws a conflict like `addFinalizer`. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
  name: string,
): Promise<boolean> {
  const index = object.metadata.finalizers?.indexOf(name) ?? -1;
  if (index < 0) return false;
  const path = jsonPointer('metadata', 'finalizers', index);
  const operations: JsonPatchOperation[] = [
    ...sameObject(object),
    { op: 'test', path, value: name },
    { op: 'remove', path },
  ];
  try {
    await testedPatch(client, resource, { at: object.metadata, operations });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function additions(object: KubeObject, present: readonly string[], name: string): JsonPatchOperation[] {
  if (present.length > 0) {
    return [
      ...sameObject(object),
      { op: 'test', path: '/metadata/finalizers', value: present },
      { op: 'add', path: '/metadata/finalizers/-', value: name },
    ];
  }
  // Without a list there is nothing to test but the version: `add` would overwrite a list made meanwhile.
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: [name] },
  ];
}

/** An object of the same name that was made anew has the same finalizers but is another. */
function sameObject(object: KubeObject): JsonPatchOperation[] {
  return object.metadata.uid === undefined ? [] : [{ op: 'test', path: '/metadata/uid', value: object.metadata.uid }];
}
