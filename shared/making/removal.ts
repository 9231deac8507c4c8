import type { KubeClient } from '../kube/client.ts';
import type { Runtime } from '../kube/runtime.ts';
import type { JobShelf } from './job-shelf.ts';
import { makingResources } from './job-view.ts';
import type { MakingMemory } from './making-memory.ts';
import type { Ordered } from './orders.ts';
import { givenUpReason } from './overdue.ts';
import type { JobResult, MakingAction, MakingJob } from './picture.ts';
import type { Told } from './told.ts';

export interface RemovalParts {
  client: KubeClient;
  namespace: string;
  runtime: Pick<Runtime, 'clock'>;
  told: Told;
  memory: MakingMemory;
  shelf: JobShelf;
}

type Of<K extends MakingAction['kind']> = MakingAction & { kind: K };

export async function remove(parts: RemovalParts, image: string, action: Of<'delete'>, wants: readonly Ordered[]) {
  for (const job of action.jobs) {
    if (job.phase === 'failed') parts.memory.noteFailure(image, job, parts.runtime.clock.passed());
    if (job.phase === 'active') parts.told.cancelled(job, wants, action.why);
    await deleted(parts, job);
  }
}

/** As if it had failed now. */
export async function giveUp(parts: RemovalParts, image: string, action: Of<'giveUp'>, wants: readonly Ordered[]) {
  const nowMs = parts.runtime.clock.passed();
  const result: JobResult = { atMs: nowMs, reason: givenUpReason, message: action.message };
  const job: MakingJob = { ...action.job, phase: 'failed', result };
  await deleted(parts, job);
  parts.shelf.noteGivenUp(job);
  parts.memory.noteFailure(image, job, nowMs);
  parts.told.ended(job, result, wants);
}

/** The object stays until its pods are gone: so long, no other of its name can be made. */
async function deleted({ client, namespace }: RemovalParts, { kind, name, uid }: MakingJob): Promise<void> {
  const options = { propagationPolicy: 'Foreground' as const, preconditions: { uid } };
  await client.delete(makingResources[kind], { namespace, name }, options);
}
