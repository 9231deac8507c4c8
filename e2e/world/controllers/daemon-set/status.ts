import type { DaemonSet } from '../../../../shared/kube/object.ts';
import { isAvailable, olderFirst, type Picture, podsOnNodes, readyTransitionMs } from './decide.ts';
import { placementOn } from './placement.ts';
import { isUpdated } from './pod.ts';

/** The counts as Kubernetes takes them: of several pods on a node the oldest speaks. */
export function daemonSetStatus(picture: Picture): NonNullable<DaemonSet['status']> {
  const { daemonSet, nodes, pods, nowMs } = picture;
  const byNode = podsOnNodes(pods);
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of nodes) {
    const [pod] = [...(byNode.get(node.metadata.name) ?? [])].sort(olderFirst);
    if (!placementOn(node, daemonSet).shouldRun) {
      if (pod) counts.misscheduled += 1;
      continue;
    }
    counts.desired += 1;
    if (!pod) continue;
    counts.current += 1;
    if (readyTransitionMs(pod) !== undefined) counts.ready += 1;
    if (isAvailable(pod, daemonSet, nowMs)) counts.available += 1;
    if (isUpdated(pod, daemonSet)) counts.updated += 1;
  }
  const { generation = 0, deletionTimestamp } = daemonSet.metadata;
  return {
    currentNumberScheduled: counts.current,
    desiredNumberScheduled: counts.desired,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    // Zeros are left out of the JSON, as by Go's omitempty.
    ...(counts.available > 0 && { numberAvailable: counts.available }),
    ...(counts.desired > counts.available && { numberUnavailable: counts.desired - counts.available }),
    ...(counts.updated > 0 && { updatedNumberScheduled: counts.updated }),
    // What is being deleted is not acted upon any more, and says so.
    observedGeneration: deletionTimestamp === undefined ? generation : (daemonSet.status?.observedGeneration ?? 0),
  };
}
