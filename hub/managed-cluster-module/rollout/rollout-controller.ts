import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import type { Fleet } from '../gather.ts';
import { clusterKey } from '../keys.ts';
import type { Records } from '../records.ts';
import { admit } from './admit.ts';
import { rolloutClusters } from './picture.ts';
import type { Rollouts } from './rollouts.ts';

export interface RolloutParts {
  fleet: Fleet;
  records: Records;
  rollouts: Rollouts;
  /** Has one cluster of a module looked at. */
  look(key: string): void;
}

/** So often at most it is decided who goes next: clusters that end together are looked at together. */
const intervalMs = 100;

/**
 * Who may get the present revision of a ManagedClusterModule that goes in waves (key: its name). It writes nothing: those who
 * may start are looked at. All that it knows is in the works and in the caches, so a restart changes nothing; until every
 * cluster was looked at, nobody starts. Cost: clusters, at most once in `intervalMs`, after something changed.
 */
export function rolloutReconcile(parts: RolloutParts): (name: string) => Promise<Outcome> {
  const decidedAtMs = new Map<string, number>();
  return async (name) => {
    const { fleet, records, rollouts } = parts;
    const module = fleet.modules.get({ name });
    const view = module && fleet.moduleViews.of(module);
    if (view?.waves === undefined || view.wanted === undefined || view.leaving) {
      decidedAtMs.delete(name);
      rollouts.forget(name);
      return done;
    }
    // The look at the last of them wakes this key.
    if (records.outdated(name) > 0) return done;
    const passedMs = fleet.passedMs();
    const waitMs = (decidedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + intervalMs - passedMs;
    if (waitMs > 0) return after(waitMs, 'RolloutInterval');
    const known = records.snapshot(name, view.generation);
    if (known === undefined) return done;
    decidedAtMs.set(name, passedMs);
    const { waves, wanted, hold, generation } = view;
    const turn = { revision: wanted.revision, generation };
    const clusters = rolloutClusters(known, {
      waves,
      clusters: fleet.clusters,
      admitted: (cluster) => rollouts.mayStart(name, turn, cluster),
    });
    const { admitted } = admit({ waves, paused: hold !== undefined, clusters });
    const moving = clusters.filter(({ stage }) => stage === 'Moving').map((each) => each.name);
    for (const cluster of rollouts.admit(name, turn, { admitted, moving })) parts.look(clusterKey(name, cluster));
    return done;
  };
}
