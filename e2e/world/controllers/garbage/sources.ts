import { Cache, type Change } from '../../../../shared/kube/cache.ts';
import type { Source } from '../../../../shared/kube/controller.ts';
import type { KubeObject } from '../../../../shared/kube/object.ts';
import { definitions } from '../../api-server/definitions.ts';
import { type AnyResource, builtInResources, definedResource } from '../kinds.ts';
import type { WorldControllerOptions } from '../options.ts';

export interface KindSources {
  source: Source;
  /** The resource of an owner reference, when its kind is served. */
  find(apiVersion: string, kind: string): AnyResource | undefined;
  list(): AnyResource[];
}

/**
 * Watches every kind that there is, custom ones as their definitions come and go; `onChange` names the keys to wake.
 * Only metadata is kept.
 */
export function watchAllKinds(
  options: WorldControllerOptions,
  onChange: (resource: AnyResource, change: Change<KubeObject>) => Iterable<string>,
): KindSources {
  const { client, runtime, signal } = options;
  const kinds = new Map<string, { resource: AnyResource; stop: AbortController; cache: Cache<KubeObject> }>();
  let enqueue: (key: string) => void = () => undefined;

  function tell(resource: AnyResource, change: Change<KubeObject>): void {
    for (const key of onChange(resource, change)) enqueue(key);
  }

  function follow(resource: AnyResource): Cache<KubeObject> {
    const stop = new AbortController();
    const cache = new Cache<KubeObject>({ client, runtime, resource, slim: metadataOnly });
    cache.subscribe((change) => tell(resource, change));
    cache.start(AbortSignal.any([signal, stop.signal]));
    kinds.set(keyOf(resource.group, resource.kind), { resource, stop, cache });
    return cache;
  }

  const definitionCache = new Cache({ client, runtime, resource: definitions });
  definitionCache.subscribe(({ previous, current }) => {
    const before = previous && definedResource(previous);
    const now = current && definedResource(current);
    const known = before && kinds.get(keyOf(before.group, before.kind));
    if (known && (now === undefined || now.version !== known.resource.version)) {
      known.stop.abort();
      kinds.delete(keyOf(known.resource.group, known.resource.kind));
      // The kind is gone, and with it all its objects, whether their deletion was seen or not.
      for (const object of known.cache.list()) tell(known.resource, { previous: object, current: undefined });
    }
    if (now && !kinds.has(keyOf(now.group, now.kind))) follow(now);
  });
  const source: Source = {
    async whenSynced(until) {
      await definitionCache.whenSynced(until);
      await Promise.all([...kinds.values()].map(({ cache }) => cache.whenSynced(until)));
    },
    attach(wake) {
      enqueue = wake;
      for (const resource of builtInResources) follow(resource);
      definitionCache.start(signal);
    },
  };
  return {
    source,
    list: () => [...kinds.values()].map(({ resource }) => resource),
    find: (apiVersion, kind) => kinds.get(keyOf(groupOf(apiVersion), kind))?.resource,
  };
}

function keyOf(group: string, kind: string): string {
  return `${group}/${kind}`;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

function metadataOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(ownerReferences && { ownerReferences }),
      ...(finalizers && { finalizers }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    },
  };
}
