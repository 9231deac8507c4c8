import type { Node, Pod } from '../../../shared/kube/object.ts';

/** Why kubelet refuses a pod: it becomes `Failed` with this reason and message, and no container ever starts. */
export interface Refusal {
  readonly reason: 'NodeAffinity' | 'TaintToleration';
  readonly message: string;
}

type NodeSelectorTerm = NonNullable<
  NonNullable<
    NonNullable<NonNullable<Pod['spec']['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
  >['nodeSelectorTerms']
>[number];
type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number];
export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];
type Toleration = NonNullable<Pod['spec']['tolerations']>[number];

/**
 * kubelet's own look at a pod that it starts (kubernetes `pkg/kubelet/lifecycle/predicate.go`): the node's labels must
 * match selector and required affinity, and NoExecute taints (only those) must be tolerated. It looks again after each
 * restart of kubelet.
 */
export function refusalOf(pod: Pod, node: Node): Refusal | undefined {
  if (!matchesNode(pod, node)) return refusal('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  const taints = (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
  if (taints.some((taint) => !isTolerated(taint, pod.spec.tolerations ?? []))) {
    return refusal('TaintToleration', "node(s) had taints that the pod didn't tolerate");
  }
  return undefined;
}

/** Whether one of `tolerations` covers `taint`, whatever its seconds. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (!toleration.key) return toleration.operator === 'Exists';
    if (toleration.key !== taint.key) return false;
    return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
  });
}

function refusal(reason: Refusal['reason'], why: string): Refusal {
  return { reason, message: `Pod was rejected: Predicate ${reason} failed: ${why}` };
}

function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  if (selector.some(([key, value]) => labels[key] !== value)) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((requirement) => meets(labels[requirement.key], requirement)) &&
    fields.every((requirement) => requirement.key === 'metadata.name' && meets(node.metadata.name, requirement))
  );
}

function meets(value: string | undefined, { operator, values = [] }: Requirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
