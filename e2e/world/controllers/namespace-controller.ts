import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import { objectKey } from '../../../shared/kube/object.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { definitions } from '../api-server/definitions.ts';
import { type AnyResource, definedResource, namespacedBuiltIns } from './kinds.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';

const lookAgainMs = 1_000;

/** Empties namespaces that are being deleted, then lets them go: contents held by finalizers hold the namespace. */
export function startNamespaceController(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const namespaceCache = new Cache({ client, runtime, resource: namespaces });
  const definitionCache = new Cache({ client, runtime, resource: definitions });

  async function reconcile(name: string): Promise<Outcome> {
    const namespace = namespaceCache.get({ name });
    if (namespace?.metadata.deletionTimestamp === undefined) return done;
    let left = 0;
    for (const resource of kinds()) left += await emptied(resource, name);
    if (left > 0) return after(lookAgainMs, `${left} objects are left in the namespace`);
    await client.replace(namespaces, { ...namespace, spec: {} } as typeof namespace, { subresource: 'finalize' });
    return done;
  }

  function kinds(): AnyResource[] {
    const custom = definitionCache.list().flatMap((definition) => definedResource(definition) ?? []);
    return [...namespacedBuiltIns, ...custom.filter((resource) => resource.namespaced)];
  }

  /** Deletes all objects of a kind; gives how many are still there. */
  async function emptied(resource: AnyResource, namespace: string): Promise<number> {
    const { items } = await listed(resource, namespace);
    const present = items.filter((item) => item.metadata.deletionTimestamp === undefined);
    for (const item of present) await client.delete(resource, item.metadata, { propagationPolicy: 'Background' });
    return present.length === 0 ? items.length : (await listed(resource, namespace)).items.length;
  }

  async function listed(resource: AnyResource, namespace: string) {
    try {
      return await client.list(resource, { namespace });
    } catch (error) {
      // Its definition went away meanwhile.
      if (isNotFound(error)) return { items: [] };
      throw error;
    }
  }

  for (const cache of [namespaceCache, definitionCache]) cache.start(signal);
  const sources = [
    watching(namespaceCache, ({ current }) => (current ? [objectKey(current)] : [])),
    watching(definitionCache, () => []),
  ];
  return startController({ name: 'world-namespace', sources, reconcile }, runtime, signal);
}
