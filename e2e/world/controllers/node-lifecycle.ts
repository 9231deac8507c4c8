import { isDeepStrictEqual } from 'node:util';
import { type Clock, rfc3339 } from '../../../shared/core/clock.ts';
import { done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import { type Node, objectKey, type Pod } from '../../../shared/kube/object.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import { wantedTaints } from './node-taints.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';
import { taintsOf } from './taints.ts';

/**
 * Kubernetes' node life cycle: conditions and cordons become taints, and the pods of a node that is not Ready are marked
 * not Ready. (That a silent kubelet makes its node's Ready Unknown is `markUnreachable`'s part.)
 */
export function startNodeLifecycle(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const nodeCache = new Cache({ client, runtime, resource: nodes });

  async function reconcile(name: string): Promise<Outcome> {
    const node = nodeCache.get({ name });
    if (node === undefined) return done;
    const nowText = rfc3339(runtime.clock.now());
    const taints = wantedTaints(node, nowText);
    if (!isDeepStrictEqual(taints, [...taintsOf(node)])) await writeTaints(client, node, taints);
    if (readyOf(node)?.status !== 'True') await markPodsNotReady(client, node, nowText);
    return done;
  }

  nodeCache.start(signal);
  const sources = [watching(nodeCache, ({ current }) => (current ? [objectKey(current)] : []))];
  return startController({ name: 'world-node-lifecycle', sources, reconcile }, runtime, signal);
}

/** What the control plane does once kubelet has been silent for its grace period: every condition becomes Unknown. */
export async function markUnreachable(client: KubeClient, name: string, clock: Clock): Promise<void> {
  const node = await client.get(nodes, { name });
  const lastTransitionTime = rfc3339(clock.now());
  const unknown = { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
  const conditions = (node?.status?.conditions ?? []).map((condition) =>
    condition.status === 'Unknown' ? condition : { ...condition, ...unknown, lastTransitionTime },
  );
  if (!conditions.some(({ type }) => type === 'Ready')) {
    conditions.push({ type: 'Ready', ...unknown, lastTransitionTime });
  }
  await client.patch(nodes, { name }, { type: 'merge', body: { status: { conditions } } }, { subresource: 'status' });
}

function readyOf(node: Node) {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready');
}

async function writeTaints(client: KubeClient, node: Node, taints: object[]): Promise<void> {
  const { name, resourceVersion } = node.metadata;
  // With the resourceVersion: somebody else's taint is never overwritten.
  const body = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
  await client.patch(nodes, { name }, { type: 'merge', body });
}

async function markPodsNotReady(client: KubeClient, node: Node, nowText: string): Promise<void> {
  const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${node.metadata.name}` });
  for (const pod of items) {
    const conditions = pod.status?.conditions ?? [];
    if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) continue;
    await markNotReady(client, pod, nowText);
  }
}

async function markNotReady(client: KubeClient, pod: Pod, nowText: string): Promise<void> {
  const conditions = (pod.status?.conditions ?? []).map((condition) =>
    condition.type === 'Ready'
      ? { ...condition, status: 'False', reason: 'NodeNotReady', lastTransitionTime: nowText }
      : condition,
  );
  const { resourceVersion } = pod.metadata;
  const body = { metadata: { resourceVersion }, status: { conditions } };
  try {
    await client.patch(pods, pod.metadata, { type: 'merge', body }, { subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
