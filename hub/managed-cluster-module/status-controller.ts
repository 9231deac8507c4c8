import { type ManagedClusterModuleStatus, managedClusterModules } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../shared/core/clock.ts';
import { after, done, type Outcome } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { writeStatus } from '../../shared/kube/status.ts';
import { UnknownMembers } from '../../shared/kube/unknown-members.ts';
import type { ClusterMeters } from './cluster-meters.ts';
import type { Demand } from './demand.ts';
import { eventsOf } from './events.ts';
import { currentRevision, type Fleet } from './gather.ts';
import type { ModuleView } from './module-view.ts';
import type { ClusterRecord, Records } from './records.ts';
import { admit } from './rollout/admit.ts';
import { rolloutClusters } from './rollout/picture.ts';
import type { WavesStanding } from './rollout/progress.ts';
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

/** So long the status of a new state waits for clusters that nobody looked at yet. */
const settleMs = 5_000;
/** After a restart, which must not make a status flap that tells of all of them already. */
const restartSettleMs = 60_000;

/**
 * The status of a ManagedClusterModule (key: its name). Cost: clusters × kernels of the module, at most once in
 * `intervalMs` and only after something of it changed; one request when the status differs.
 */
export function statusReconcile(parts: StatusParts): (name: string) => Promise<Outcome> {
  const computedAtMs = new Map<string, number>();
  /** Until when a module's clusters have time to be looked at. */
  const settledAtMs = new Map<string, number>();
  const unknown = new UnknownMembers(() => parts.fleet.passedMs());
  return async (name) => {
    const { fleet, records, clusterMeters } = parts;
    const passedMs = fleet.passedMs();
    const module = fleet.modules.get({ name });
    const view = module && fleet.moduleViews.of(module);
    if (module === undefined || view === undefined || view.leaving) {
      computedAtMs.delete(name);
      settledAtMs.delete(name);
      clusterMeters.forget(name);
      return done;
    }
    const outdated = records.outdated(name);
    const patienceMs = module.status?.observedGeneration === view.generation ? restartSettleMs : settleMs;
    const untilMs = outdated === 0 ? passedMs : (settledAtMs.get(name) ?? passedMs + patienceMs);
    if (outdated === 0) settledAtMs.delete(name);
    else settledAtMs.set(name, untilMs);
    // Before the records are read: this is asked with each cluster that changes.
    const computedMs = computedAtMs.get(name) ?? Number.NEGATIVE_INFINITY;
    const waitMs = Math.max(untilMs, computedMs + parts.intervalMs) - passedMs;
    if (waitMs > 0) return after(waitMs, 'StatusInterval');
    const known = records.snapshot(name, view.generation);
    // `Records.begin` wakes this key.
    if (known === undefined) return done;
    computedAtMs.set(name, passedMs);
    const picture = pictureOf(parts, { view, present: module.status ?? {}, known });
    const status = statusOf(picture);
    clusterMeters.tell(name, status.rollout);
    const wrote = await writeStatus(parts.client, managedClusterModules, module, status, unknown);
    if (wrote)
      for (const event of eventsOf(picture.present, status)) parts.events.record({ regarding: module, ...event });
    // The others are told of when they were looked at, or at the latest then.
    return outdated === 0 ? done : after(parts.intervalMs, 'ClustersOutstanding');
  };
}

function standingOf(fleet: Fleet, view: ModuleView, known: readonly ClusterRecord[]): WavesStanding | undefined {
  const { waves, hold } = view;
  if (waves === undefined) return undefined;
  const clusters = rolloutClusters(known, { waves, clusters: fleet.clusters, admitted: () => false });
  return { waves, ...admit({ waves, paused: hold !== undefined, clusters }) };
}

function pictureOf(
  { fleet, records, demand }: StatusParts,
  of: { view: ModuleView; present: ManagedClusterModuleStatus; known: readonly ClusterRecord[] },
): StatusPicture {
  const { view, present, known } = of;
  const own = records.problem(view.name);
  return {
    generation: view.generation,
    present,
    problems: own === undefined ? view.problems : [...view.problems, own],
    hold: view.hold,
    standing: standingOf(fleet, view, known),
    revision: view.wanted?.revision,
    current: currentRevision(fleet, view),
    imageCheck: view.imageCheck,
    warnings: demand.warnings(view.name, view.wanted?.revision),
    records: known,
    nowText: rfc3339(fleet.nowMs()),
  };
}
