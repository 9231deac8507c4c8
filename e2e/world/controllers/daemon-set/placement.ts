import type { DaemonSet, Node } from '../../../../shared/kube/object.ts';
import { type Toleration, taintsOf, untolerated } from '../taints.ts';

export interface Placement {
  /** A pod is wanted on the node. */
  shouldRun: boolean;
  /** A pod that is there stays. */
  shouldContinue: boolean;
}

/**
 * Kubernetes' rule: labels decide first; an untolerated NoSchedule taint keeps new pods away, an untolerated NoExecute
 * taint ends those that run too. (Node affinity is not looked at: nothing here uses it.)
 */
export function placementOn(node: Node, daemonSet: DaemonSet): Placement {
  const spec = daemonSet.spec.template.spec;
  if (spec?.nodeName && spec.nodeName !== node.metadata.name) return { shouldRun: false, shouldContinue: false };
  const labels = node.metadata.labels ?? {};
  const fits = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (!fits) return { shouldRun: false, shouldContinue: false };
  const tolerations = daemonTolerations(daemonSet);
  const taints = taintsOf(node);
  return {
    shouldRun: untolerated(taints, tolerations, ['NoExecute', 'NoSchedule']) === undefined,
    shouldContinue: untolerated(taints, tolerations, ['NoExecute']) === undefined,
  };
}

/**
 * Whether a change of the node wakes the DaemonSet. Kubernetes' rule: when there is a pod to make or to end there, or when
 * the count of misscheduled pods may fall; that it may rise wakes nobody.
 */
export function isConcerned(daemonSet: DaemonSet, node: Node, hasPod: boolean): boolean {
  const { shouldRun, shouldContinue } = placementOn(node, daemonSet);
  if (!hasPod) return shouldRun;
  return !shouldContinue || (daemonSet.status?.numberMisscheduled ?? 0) > 0;
}

const added: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

/** The template's tolerations and those that Kubernetes gives to every pod of a DaemonSet. */
export function daemonTolerations(daemonSet: DaemonSet): Toleration[] {
  const spec = daemonSet.spec.template.spec;
  const own = spec?.tolerations ?? [];
  const more = spec?.hostNetwork ? [...added, hostNetworkToleration] : added;
  const same = (a: Toleration, b: Toleration) => a.key === b.key && a.effect === b.effect && a.operator === b.operator;
  return [...own, ...more.filter((toleration) => !own.some((present) => same(present, toleration)))];
}
