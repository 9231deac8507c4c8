import type { DaemonSet, Node, Pod } from '../../../../shared/kube/object.ts';
import { placementOn } from './placement.ts';
import { isUpdated } from './pod.ts';

export interface Picture {
  daemonSet: DaemonSet;
  nodes: readonly Node[];
  /** Pods that the DaemonSet controls. */
  pods: readonly Pod[];
  nowMs: number;
}

export interface Decision {
  /** Names of the nodes that get a pod. */
  create: string[];
  remove: Pod[];
  /** Pods of `remove` that failed: their replacement waits longer each time. */
  failed: Pod[];
}

/** What Kubernetes' DaemonSet controller does next, one node at a time, then the rolling update. */
export function decide(picture: Picture): Decision {
  const decision: Decision = { create: [], remove: [], failed: [] };
  if (picture.daemonSet.metadata.deletionTimestamp !== undefined) return decision;
  const podsByNode = podsOnNodes(picture.pods);
  for (const node of picture.nodes) {
    decideNode(decision, picture.daemonSet, { node, pods: podsByNode.get(node.metadata.name) });
  }
  // What was just made or taken away is unavailable: the rolling update goes on once that is seen.
  const isSettled = decision.create.length === 0 && decision.remove.length === 0;
  const rolls = isSettled && picture.daemonSet.spec.updateStrategy?.type !== 'OnDelete';
  return rolls ? { ...decision, remove: rolled(picture, podsByNode) } : decision;
}

function decideNode(
  decision: Decision,
  daemonSet: DaemonSet,
  on: { node: Node; pods: readonly Pod[] | undefined },
): void {
  const { shouldRun, shouldContinue } = placementOn(on.node, daemonSet);
  if (on.pods === undefined) {
    if (shouldRun) decision.create.push(on.node.metadata.name);
    return;
  }
  const present = on.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  if (!shouldContinue) {
    decision.remove.push(...present);
    return;
  }
  const failed = present.filter((pod) => pod.status?.phase === 'Failed');
  const succeeded = present.filter((pod) => pod.status?.phase === 'Succeeded');
  const [, ...surplus] = present.filter((pod) => !failed.includes(pod) && !succeeded.includes(pod)).sort(olderFirst);
  decision.failed.push(...failed);
  decision.remove.push(...failed, ...succeeded, ...surplus);
}

/**
 * The pods of each node. One that is being deleted keeps its place until it is gone, except when it is over already
 * (Failed or Succeeded, held by a finalizer): then the node gets a new one.
 */
export function podsOnNodes(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const nodeName = pod.spec.nodeName ?? '';
    const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
    if (isOver && pod.metadata.deletionTimestamp !== undefined) continue;
    byNode.set(nodeName, [...(byNode.get(nodeName) ?? []), pod]);
  }
  return byNode;
}

export function olderFirst(a: Pod, b: Pod): number {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Old pods that the rolling update takes away now: unavailable ones at once, others within maxUnavailable. */
function rolled(picture: Picture, podsByNode: ReadonlyMap<string, readonly Pod[]>): Pod[] {
  const { daemonSet, nowMs } = picture;
  const unavailable: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailableNodes = 0;
  for (const pods of podsByNode.values()) {
    const [pod, another] = pods.filter((present) => present.metadata.deletionTimestamp === undefined);
    if (pod === undefined || another !== undefined || pods.length > 1) unavailableNodes += 1;
    else if (isUpdated(pod, daemonSet)) unavailableNodes += isAvailable(pod, daemonSet, nowMs) ? 0 : 1;
    else if (isAvailable(pod, daemonSet, nowMs)) candidates.push(pod);
    else {
      unavailableNodes += 1;
      unavailable.push(pod);
    }
  }
  const room = Math.max(0, maxUnavailable(picture) - unavailableNodes);
  return [...unavailable, ...candidates.slice(0, room)];
}

function maxUnavailable({ daemonSet, nodes }: Picture): number {
  const wanted = daemonSet.spec.updateStrategy?.rollingUpdate?.maxUnavailable as number | string | undefined;
  if (typeof wanted !== 'string') return wanted ?? 1;
  const desired = nodes.filter((node) => placementOn(node, daemonSet).shouldRun).length;
  return Math.ceil((desired * Number.parseInt(wanted, 10)) / 100);
}

export function readyTransitionMs(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' ? Date.parse(ready.lastTransitionTime ?? '') || 0 : undefined;
}

export function isAvailable(pod: Pod, daemonSet: DaemonSet, nowMs: number): boolean {
  const readyMs = readyTransitionMs(pod);
  return readyMs !== undefined && readyMs + (daemonSet.spec.minReadySeconds ?? 0) * 1000 <= nowMs;
}
