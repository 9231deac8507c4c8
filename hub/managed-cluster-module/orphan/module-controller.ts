import { type ManagedClusterModule, managedClusterModules, manifestWorks } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../../shared/core/clock.ts';
import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { EventRecorder } from '../../../shared/kube/events.ts';
import { removeFinalizer } from '../../../shared/kube/finalizer.ts';
import { finalizers, labels } from '../../../shared/kube/names.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import type { UnderWay } from '../under-way.ts';
import { type ModuleStep, stepOfModule } from './decide.ts';
import { gatherModule, type OrphanFleet } from './gather.ts';
import { deletionPolicyOf, waitsForWorks } from './policy.ts';
import { forcedEvent, leavingStatus, waitingEvent } from './status.ts';

export interface OrphanModuleParts {
  client: KubeClient;
  fleet: OrphanFleet;
  events: Pick<EventRecorder, 'record'>;
  underWay: Pick<UnderWay, 'has'>;
  /** A module's works are counted at most once in so long. */
  intervalMs: number;
}

/** How soon the server is asked again after it had a work that the watch has not shown, or one was still being written. */
const askAgainMs = 1_000;

/**
 * How long the finalizer of a ManagedClusterModule that leaves its Modules behind stays (key: its name), and what it says
 * while it waits. `module-controller` of the folder above adds it, before the first work.
 * Cost: its works, at most once in `intervalMs`; one list of them before the finalizer goes.
 */
export function orphanModuleReconcile(parts: OrphanModuleParts): (name: string) => Promise<Outcome> {
  const countedAtMs = new Map<string, number>();
  return async (name) => {
    const { fleet } = parts;
    const module = fleet.modules.get({ name });
    if (module === undefined || !waitsForWorks(deletionPolicyOf(module))) {
      countedAtMs.delete(name);
      return done;
    }
    const passedMs = fleet.passedMs();
    const waitMs = (countedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + parts.intervalMs - passedMs;
    if (waitMs > 0) return after(waitMs, 'StatusInterval');
    const step = stepOfModule(gatherModule(fleet, module));
    countedAtMs.set(name, passedMs);
    switch (step.kind) {
      case 'letGo':
        return letGo(parts, module);
      case 'wait':
        await tell(parts, module, step);
        return done;
      default:
        return done;
    }
  };
}

/** Not by the cache alone: a work that was written a moment ago would have nobody left to take it away. */
async function letGo(parts: OrphanModuleParts, module: ManagedClusterModule): Promise<Outcome> {
  const { client, fleet, events, underWay } = parts;
  if (underWay.has(module.metadata.name)) return after(askAgainMs, 'WorkUnderWay');
  const labelSelector = `${labels.managedClusterModule}=${module.metadata.name}`;
  const { items } = await client.list(manifestWorks, { labelSelector });
  const step = stepOfModule(
    gatherModule(
      fleet,
      module,
      items.filter(({ metadata }) => metadata.name === module.metadata.name),
    ),
  );
  if (step.kind !== 'letGo') return after(askAgainMs, 'WorkNotYetSeen');
  if (step.unconfirmed.length > 0) events.record({ regarding: module, ...forcedEvent(step.unconfirmed) });
  await removeFinalizer(client, managedClusterModules, module, finalizers.orphan);
  return done;
}

type Waiting = Extract<ModuleStep, { kind: 'wait' }>;

async function tell(parts: OrphanModuleParts, module: ManagedClusterModule, waiting: Waiting): Promise<void> {
  const before = module.status ?? {};
  const generation = module.metadata.generation ?? 0;
  const status = leavingStatus(before, { waiting, generation, nowText: rfc3339(parts.fleet.nowMs()) });
  if (!(await writeStatus(parts.client, managedClusterModules, module, status))) return;
  const event = waitingEvent(before, waiting);
  if (event !== undefined) parts.events.record({ regarding: module, ...event });
}
