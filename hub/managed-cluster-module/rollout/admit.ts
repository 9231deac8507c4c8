import { concurrencyOf, failuresOf, type Waves } from './strategy.ts';

/**
 * Where a cluster stands in the rollout of one revision. `Pending`: it has not the revision and cannot get it yet (an image
 * is missing, its kernels are not known). `Startable`: it could get it now. `Moving`: it got it and has not succeeded since.
 */
export type Stage = 'Pending' | 'Startable' | 'Moving' | 'Succeeded' | 'Failed' | 'Unreachable';

export interface RolloutCluster {
  name: string;
  /** Place of its group; `Waves.groups.length` for those in none. */
  group: number;
  stage: Stage;
  /** It was let go, and its work is not written yet. */
  admitted: boolean;
}

/** Everything that says who may go next. Immutable. */
export interface RolloutPicture {
  waves: Waves;
  paused: boolean;
  /** The selected ones. */
  clusters: readonly RolloutCluster[];
}

export interface RolloutDecision {
  /** All that may get the revision now, those included that were let go before; in order. */
  admitted: string[];
  /** The group that is served; undefined when all are done. */
  group: number | undefined;
  /** Too many clusters failed: nobody starts any more. */
  stopped: { failed: string[]; allowed: number } | undefined;
  /** Of the group that is served: who has to succeed before the next one begins. */
  open: string[];
}

/**
 * Who may start (contract 6). The first group with a cluster that is neither done nor out of reach is served; within it
 * clusters go by name, as many as there is room for. Clusters that cannot start take no room, and hold up the next group
 * only; those that failed take none either, and stop everything once there are too many. Pure; cost: clusters × log.
 */
export function admit({ waves, paused, clusters }: RolloutPicture): RolloutDecision {
  const stopped = stopOf(waves, clusters);
  const group = clusters.reduce<number | undefined>(
    (least, cluster) => (isOpen(cluster) && !(least !== undefined && least <= cluster.group) ? cluster.group : least),
    undefined,
  );
  if (group === undefined) return { admitted: [], group, stopped, open: [] };
  const open = clusters.filter((cluster) => isOpen(cluster) && cluster.group === group).sort(byName);
  const decision = { group, stopped, open: open.map(({ name }) => name) };
  if (stopped !== undefined || paused) return { ...decision, admitted: [] };
  // Also those of earlier groups, and of this one those that were let go and are not written yet.
  const moving = clusters.filter(({ stage }) => stage === 'Moving').length;
  const room = Math.max(0, concurrencyOf(waves, clusters.length) - moving);
  const startable = open.filter(({ stage }) => stage === 'Startable');
  // Who was let go is not called back for one whose name comes before: its work may be on its way.
  const inOrder = [...startable.filter(({ admitted }) => admitted), ...startable.filter(({ admitted }) => !admitted)];
  return { ...decision, admitted: inOrder.slice(0, room).map(({ name }) => name) };
}

/** Whoever has to end, one way or the other, before the next group may begin. */
function isOpen({ stage }: RolloutCluster): boolean {
  return stage === 'Pending' || stage === 'Startable' || stage === 'Moving';
}

function stopOf(waves: Waves, clusters: readonly RolloutCluster[]): RolloutDecision['stopped'] {
  const scopes = waves.perGroup ? [...Map.groupBy(clusters, ({ group }) => group).values()] : [clusters];
  for (const scope of scopes) {
    const failed = scope.filter(({ stage }) => stage === 'Failed');
    const allowed = failuresOf(waves, scope.length);
    if (failed.length > allowed) return { failed: failed.sort(byName).map(({ name }) => name), allowed };
  }
  return undefined;
}

function byName(a: RolloutCluster, b: RolloutCluster): number {
  return a.name < b.name ? -1 : 1;
}
