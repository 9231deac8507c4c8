import type { Toleration } from '@open-cluster-management/api-types';
import type { Node } from '../shared/kube/object.ts';

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

/**
 * What every loader pod tolerates beside its Module's tolerations (behaviour b.1). Kubernetes gives the same to pods of
 * any DaemonSet, and the three of `byKubernetes`; we count by both, so that a cordoned node is a target like any other.
 */
export const pressureTolerations: readonly Toleration[] = ['disk', 'memory', 'pid'].map((resource) => ({
  key: `node.kubernetes.io/${resource}-pressure`,
  operator: 'Exists',
  effect: 'NoSchedule',
}));

const byKubernetes: readonly Toleration[] = [
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
];

/** Kubernetes taints every node that is not Ready so, for as long as that lasts: unreachable, and no less desired. */
const silence: readonly Toleration[] = ['not-ready', 'unreachable'].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: 'Exists',
  effect: 'NoSchedule',
}));

/** `NoSchedule` keeps new pods away and ends none; `NoExecute` ends those that are there; `undefined`: open to all. */
export function closedBy(node: Node, tolerations: readonly Toleration[]): 'NoSchedule' | 'NoExecute' | undefined {
  const all = [...tolerations, ...pressureTolerations, ...byKubernetes, ...silence];
  const effects = (node.spec?.taints ?? [])
    .filter((taint) => !all.some((toleration) => tolerates(toleration, taint)))
    .map(({ effect }) => effect);
  return effects.includes('NoExecute') ? 'NoExecute' : effects.includes('NoSchedule') ? 'NoSchedule' : undefined;
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return toleration.key !== undefined && (toleration.value ?? '') === (taint.value ?? '');
}
