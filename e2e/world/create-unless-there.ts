import type { KubeClient } from '../../shared/kube/client.ts';
import { isConflict } from '../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../shared/kube/object.ts';

/** Creates the object; one that is there already stays as it is. */
export async function createUnlessThere<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
): Promise<void> {
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}
