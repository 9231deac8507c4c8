import { managedClusterModules } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../shared/core/clock.ts';
import { after, done, type Outcome } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { writeStatus } from '../../shared/kube/status.ts';
import type { ClusterMeters } from './cluster-meters.ts';
import type { Demand } from './demand.ts';
import { eventsOf } from './events.ts';
import type { Fleet } from './gather.ts';
import type { Records } from './records.ts';
import { type StatusPicture, statusOf } from './status.ts';

export interface StatusParts {
  client: KubeClient;
  fleet: Fleet;
  demand: Demand;
  records: Records;
  events: Pick<EventRecorder, 'record'>;
  clusterMeters: ClusterMeters;
  /** A module's status is computed at most once in so long. */
  intervalMs: number;
}

/** So long a status waits for clusters that nobody looked at yet: a restart must not make it flap. */
const settleMs = 5_000;

/**
 * The status of a ManagedClusterModule (key: its name). Cost: clusters × kernels of the module, at most once in
 * `intervalMs` and only after something of it changed; one request when the status differs.
 */
export function statusReconcile(parts: StatusParts): (name: string) => Promise<Outcome> {
  const computedAtMs = new Map<string, number>();
  /** Until when a module's clusters have time to be looked at. */
  const settledAtMs = new Map<string, number>();
  return async (name) => {
    const { fleet, records } = parts;
    const nowMs = fleet.nowMs();
    const module = fleet.modules.get({ name });
    if (module === undefined || fleet.moduleViews.of(module).leaving) {
      computedAtMs.delete(name);
      settledAtMs.delete(name);
      return done;
    }
    const view = fleet.moduleViews.of(module);
    const outdated = records.outdated(name);
    const isRestart = module.status?.observedGeneration === view.generation;
    const settled =
      outdated === 0 ? nowMs : (settledAtMs.get(name) ?? nowMs + (isRestart ? restartSettleMs : settleMs));
    if (outdated === 0) settledAtMs.delete(name);
    else settledAtMs.set(name, settled);
    // Before the records are read: this is asked with each cluster that changes.
    const waitMs = Math.max(settled, (computedAtMs.get(name) ?? 0) + parts.intervalMs) - nowMs;
    if (waitMs > 0) return after(waitMs, 'the status is told at intervals');
    const known = records.snapshot(name, view.generation);
    // `Records.begin` wakes this key.
    if (known === undefined) return done;
    computedAtMs.set(name, nowMs);
    const own = records.problem(name);
    const picture: StatusPicture = {
      generation: view.generation,
      present: module.status ?? {},
      problems: own === undefined ? view.problems : [...view.problems, own],
      hold: view.hold,
      revision: view.wanted?.revision,
      imageCheck: view.imageCheck,
      warnings: parts.demand.warnings(name),
      records: known,
      nowText: rfc3339(nowMs),
    };
    const status = statusOf(picture);
    const wrote = await writeStatus(parts.client, managedClusterModules, module, status);
    if (wrote)
      for (const event of eventsOf(picture.present, status)) parts.events.record({ regarding: module, ...event });
    // The others are told of when they were looked at, or at the latest then.
    return outdated === 0 ? done : after(parts.intervalMs, 'clusters are still to be looked at');
  };
}
