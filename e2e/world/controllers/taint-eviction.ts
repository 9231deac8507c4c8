import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { objectKey, parseKey } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { nodeAndPods } from './node-and-pods.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';
import { evictionDelayMs } from './taint-eviction-delay.ts';
import { taintsOf } from './taints.ts';

/** Deletes pods from nodes with a NoExecute taint that they do not tolerate, or do not tolerate any longer. Keys are pods. */
export function startTaintEviction(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const { nodeCache, podCache } = nodeAndPods(options);
  /** When a pod was first seen under a NoExecute taint, by uid: tolerationSeconds count from there. */
  const taintedSinceMs = new Map<string, number>();

  async function reconcile(key: string): Promise<Outcome> {
    const pod = podCache.get(parseKey(key));
    const uid = pod?.metadata.uid ?? '';
    const node = pod?.spec.nodeName ? nodeCache.get({ name: pod.spec.nodeName }) : undefined;
    if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) return done;
    const delayMs = evictionDelayMs(taintsOf(node), pod.spec.tolerations ?? []);
    if (delayMs === undefined) {
      taintedSinceMs.delete(uid);
      return done;
    }
    const nowMs = runtime.clock.now();
    const sinceMs = taintedSinceMs.get(uid) ?? nowMs;
    taintedSinceMs.set(uid, sinceMs);
    if (sinceMs + delayMs > nowMs) return after(sinceMs + delayMs - nowMs, 'the taint is tolerated for a while');
    await client.delete(pods, pod.metadata, { preconditions: { uid } });
    return done;
  }

  podCache.subscribe(({ previous, current }) => {
    if (previous && previous.metadata.uid !== current?.metadata.uid) taintedSinceMs.delete(previous.metadata.uid ?? '');
  });
  for (const cache of [nodeCache, podCache]) cache.start(signal);
  const sources = [
    watching(podCache, ({ current }) => (current?.spec.nodeName ? [objectKey(current)] : [])),
    watching(nodeCache, ({ current }) =>
      current ? podCache.byIndex('node', current.metadata.name).map(objectKey) : [],
    ),
  ];
  return startController({ name: 'world-taint-eviction', sources, reconcile }, runtime, signal);
}
