import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { objectKey, parseKey } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { nodeAndPods } from './node-and-pods.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';

const quarantineMs = 40_000;

/** Removes pods whose node is gone: nobody else would ever end them. The node must have been away for a while. */
export function startPodGarbageCollector(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const { nodeCache, podCache } = nodeAndPods(options);
  const goneSinceMs = new Map<string, number>();

  async function reconcile(key: string): Promise<Outcome> {
    const pod = podCache.get(parseKey(key));
    const nodeName = pod?.spec.nodeName;
    if (pod === undefined || nodeName === undefined) return done;
    if (nodeCache.get({ name: nodeName }) !== undefined) {
      goneSinceMs.delete(nodeName);
      return done;
    }
    const nowMs = runtime.clock.now();
    const sinceMs = goneSinceMs.get(nodeName) ?? nowMs;
    goneSinceMs.set(nodeName, sinceMs);
    if (sinceMs + quarantineMs > nowMs) return after(sinceMs + quarantineMs - nowMs, 'the node may come back');
    const { phase } = pod.status ?? {};
    if (phase !== 'Failed' && phase !== 'Succeeded') {
      const body = { status: { phase: 'Failed', reason: 'NodeLost', message: 'the node is gone' } };
      await client.patch(pods, pod.metadata, { type: 'merge', body }, { subresource: 'status' });
    }
    const { uid } = pod.metadata;
    await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0, ...(uid && { preconditions: { uid } }) });
    return done;
  }

  for (const cache of [nodeCache, podCache]) cache.start(signal);
  const sources = [
    watching(podCache, ({ current }) => (current?.spec.nodeName ? [objectKey(current)] : [])),
    watching(nodeCache, ({ previous, current }) => {
      const name = (current ?? previous)?.metadata.name ?? '';
      return podCache.byIndex('node', name).map(objectKey);
    }),
  ];
  return startController({ name: 'world-pod-garbage', sources, reconcile }, runtime, signal);
}
