import type { Node, Pod } from '../../../../shared/kube/object.ts';
import { taintsOf, untolerated } from '../taints.ts';

export type Placement = { readonly node: string } | { readonly message: string };

/**
 * Where a pod goes, as far as pods here ask: labels, cordons and taints; of several nodes the one with the fewest pods. Rooms
 * (requests), affinity and pre-emption are not looked at. The message is the scheduler's.
 */
export function placementOf(pod: Pod, nodes: readonly Node[], podsOn: (node: string) => number): Placement {
  if (nodes.length === 0) return { message: 'no nodes available to schedule pods' };
  const refusals = new Map<string, number>();
  const fitting: Node[] = [];
  for (const node of nodes) {
    const refusal = refusalOf(pod, node);
    if (refusal === undefined) fitting.push(node);
    else refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
  }
  const names = fitting.map(({ metadata }) => metadata.name).sort((a, b) => podsOn(a) - podsOn(b) || (a < b ? -1 : 1));
  if (names[0] !== undefined) return { node: names[0] };
  const why = [...refusals].map(([refusal, count]) => `${count} ${refusal}`).sort();
  return { message: `0/${nodes.length} nodes are available: ${why.join(', ')}.` };
}

function refusalOf({ spec }: Pod, node: Node): string | undefined {
  const tolerations = spec.tolerations ?? [];
  const labels = node.metadata.labels ?? {};
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  const cordons = node.spec?.unschedulable === true ? [cordon] : [];
  if (untolerated(cordons, tolerations, ['NoSchedule'])) return 'node(s) were unschedulable';
  // Kubernetes taints a Node that nobody has called ready when it is made; here its taints come with the first word of it.
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  const unready = isReady ? [] : [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];
  const taint = untolerated([...taintsOf(node), ...unready], tolerations, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) return 'node(s) had untolerated taint(s)';
  const fits = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  return fits ? undefined : "node(s) didn't match Pod's node affinity/selector";
}
