import { managedClusterModules } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../shared/core/clock.ts';
import { after, done, type Outcome } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { writeStatus } from '../../shared/kube/status.ts';
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
  const unsettledAtMs = new Map<string, number>();
  return async (name) => {
    const { fleet, records } = parts;
    const nowMs = fleet.nowMs();
    const module = fleet.modules.get({ name });
    if (module === undefined || fleet.moduleViews.of(module).leaving) {
      computedAtMs.delete(name);
      unsettledAtMs.delete(name);
      return done;
    }
    const view = fleet.moduleViews.of(module);
    const snapshot = records.snapshot(name, view.generation);
    // `Records.begin` wakes this key.
    if (snapshot === undefined) return done;
    const sinceMs = snapshot.outdated === 0 ? undefined : (unsettledAtMs.get(name) ?? nowMs);
    if (sinceMs === undefined) unsettledAtMs.delete(name);
    else unsettledAtMs.set(name, sinceMs);
    const settlesInMs = sinceMs === undefined ? 0 : sinceMs + settleMs - nowMs;
    const waitMs = Math.max(settlesInMs, (computedAtMs.get(name) ?? 0) + parts.intervalMs - nowMs);
    if (waitMs > 0) return after(waitMs, 'the status is told at intervals');
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
      records: snapshot.records,
      nowText: rfc3339(nowMs),
    };
    const status = statusOf(picture);
    const wrote = await writeStatus(parts.client, managedClusterModules, module, status);
    if (wrote)
      for (const event of eventsOf(picture.present, status)) parts.events.record({ regarding: module, ...event });
    // The others are told of when they were looked at, or at the latest then.
    return snapshot.outdated === 0 ? done : after(parts.intervalMs, 'clusters are still to be looked at');
  };
}
