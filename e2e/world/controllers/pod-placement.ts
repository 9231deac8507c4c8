import { rfc3339 } from '../../../shared/core/clock.ts';
import { done, type Outcome } from '../../../shared/core/outcome.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isConflict, isNotFound } from '../../../shared/kube/errors.ts';
import { type KubeObject, objectKey, type Pod, parseKey } from '../../../shared/kube/object.ts';
import { pods, resource } from '../../../shared/kube/resources.ts';
import { nodeAndPods } from './node-and-pods.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';
import { placementOf } from './placement/decide.ts';

interface Binding extends KubeObject {
  target: { apiVersion: 'v1'; kind: 'Node'; name: string };
}

/** Kubernetes' scheduler: binds pods that no node has yet, or says why it cannot, again whenever a node changes. */
export function startPodPlacement(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const { nodeCache, podCache } = nodeAndPods(options);

  async function reconcile(key: string): Promise<Outcome> {
    const pod = podCache.get(parseKey(key));
    if (pod === undefined || !isWaiting(pod)) return done;
    const placement = placementOf(pod, nodeCache.list(), (node) => podCache.byIndex('node', node).length);
    try {
      if ('node' in placement) await bind(pod, placement.node);
      else await refuse(pod, placement.message);
    } catch (error) {
      // Bound or gone already: the cache is about to tell.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    return done;
  }

  async function bind({ metadata: { namespace, name } }: Pod, node: string): Promise<void> {
    const bindings = resource<Binding>('', 'v1', 'Binding', `pods/${name}/binding`, true);
    await client.create(bindings, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, ...(namespace !== undefined && { namespace }) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
  }

  async function refuse(pod: Pod, message: string): Promise<void> {
    const conditions = pod.status?.conditions ?? [];
    const present = conditions.find(({ type }) => type === 'PodScheduled');
    if (present?.status === 'False' && present.message === message) return;
    const now = rfc3339(runtime.clock.now());
    const since = present?.status === 'False' ? present.lastTransitionTime : now;
    const unscheduled = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    const others = conditions.filter(({ type }) => type !== 'PodScheduled');
    const status = { conditions: [...others, { ...unscheduled, lastTransitionTime: since }] };
    await client.patch(pods, pod.metadata, { type: 'merge', body: { status } }, { subresource: 'status' });
  }

  for (const cache of [nodeCache, podCache]) cache.start(signal);
  const sources = [
    watching(podCache, ({ current }) => (current && isWaiting(current) ? [objectKey(current)] : [])),
    watching(nodeCache, () => podCache.byIndex('node', '').filter(isWaiting).map(objectKey)),
  ];
  return startController({ name: 'world-placement', concurrency: 1, sources, reconcile }, runtime, signal);
}

function isWaiting({ metadata, spec, status }: Pod): boolean {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return !spec.nodeName && !isOver && metadata.deletionTimestamp === undefined;
}
