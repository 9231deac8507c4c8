import { concurrencyOf, failuresOf, groupIndexOf, groupName } from '../managed-cluster-module/rollout/strategy.ts';
import { counted, someOf } from './lines.ts';
import type { FleetPlan } from './plan.ts';
import type { ClusterPlan } from './plan-cluster.ts';

/** One group of a rollout, in its turn. */
export interface PlannedWave {
  /** Undefined for the clusters that no group selects. */
  group: string | undefined;
  /** In the order in which they start. */
  clusters: string[];
  /** How many may be on their way at once. */
  atOnce: number;
  /** With one failure more nobody starts any more. */
  failuresAllowed: number;
}

/** Undefined where all get it at once. Groups without a cluster that changes are left out. Pure. */
export function wavesOfPlan({ view: { waves }, clusters }: FleetPlan): PlannedWave[] | undefined {
  if (waves === undefined) return undefined;
  const selected = clusters.filter(({ change }) => change !== 'removed');
  const groupOf = ({ labels }: ClusterPlan) => groupIndexOf(waves, labels);
  const all = Map.groupBy(selected, groupOf);
  const changing = Map.groupBy(
    selected.filter(({ moves }) => moves),
    groupOf,
  );
  const scope = (index: number) => (waves.perGroup ? (all.get(index)?.length ?? 0) : selected.length);
  return [...changing]
    .sort(([a], [b]) => a - b)
    .map(([index, members]) => ({
      group: groupName(waves, index),
      clusters: members.map(({ cluster }) => cluster).sort(),
      atOnce: Math.min(members.length, concurrencyOf(waves, selected.length)),
      failuresAllowed: failuresOf(waves, scope(index)),
    }));
}

export function waveLines(plan: FleetPlan): string[] {
  const waves = wavesOfPlan(plan);
  const count = plan.clusters.filter(({ moves }) => moves).length;
  if (count === 0) return [];
  if (waves === undefined) return ['', `rollout All: ${counted(count, 'cluster')} at once; failures stop nobody`];
  return [
    '',
    ...waves.map(({ group, clusters, atOnce, failuresAllowed }, index) => {
      const name = group === undefined ? 'clusters in no group' : `group ${group}`;
      const limits = `${atOnce} at once, stops after more than ${counted(failuresAllowed, 'failure')}`;
      return `wave ${index + 1}: ${name}: ${counted(clusters.length, 'cluster')}, ${limits}: ${someOf(clusters)}`;
    }),
  ];
}
