import type { Node } from '../../../shared/kube/object.ts';
import { type Taint, taintsOf } from './taints.ts';

const prefix = 'node.kubernetes.io';
const notReady = `${prefix}/not-ready`;
const unreachable = `${prefix}/unreachable`;
const unschedulable = `${prefix}/unschedulable`;

const conditionTaints: Readonly<Record<string, string>> = {
  MemoryPressure: `${prefix}/memory-pressure`,
  DiskPressure: `${prefix}/disk-pressure`,
  PIDPressure: `${prefix}/pid-pressure`,
  NetworkUnavailable: `${prefix}/network-unavailable`,
};
const managedKeys = new Set([notReady, unreachable, unschedulable, ...Object.values(conditionTaints)]);

/** The taints that the node's conditions and cordon ask for, after those of others; present ones keep their time. */
export function wantedTaints(node: Node, nowText: string): Taint[] {
  const present = taintsOf(node);
  const others = present.filter(({ key }) => !managedKeys.has(key));
  const ours = askedFor(node).map((wanted) => {
    const before = present.find(({ key, effect }) => key === wanted.key && effect === wanted.effect);
    return before ?? { ...wanted, timeAdded: nowText };
  });
  // In their present order, so that nothing is written when nothing differs.
  const place = (taint: Taint) => {
    const index = present.indexOf(taint);
    return index < 0 ? present.length : index;
  };
  return [...others, ...ours].sort((a, b) => place(a) - place(b));
}

function askedFor(node: Node): Taint[] {
  const taints: Taint[] = [];
  const both = (key: string) => taints.push({ key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' });
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = conditionTaints[type];
    if (key !== undefined && status === 'True') taints.push({ key, effect: 'NoSchedule' });
    if (type === 'Ready' && status === 'False') both(notReady);
    if (type === 'Ready' && status === 'Unknown') both(unreachable);
  }
  if (node.spec?.unschedulable) taints.push({ key: unschedulable, effect: 'NoSchedule' });
  return taints;
}
