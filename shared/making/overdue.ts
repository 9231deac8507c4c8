import { makingReasons } from './making-reasons.ts';
import type { FormerFailure, MakingDecision, MakingJob, MakingPicture, Step } from './picture.ts';

/** Gives up what is overdue; else the next step by `next`, and another look when something will be. */
export function givingUp(picture: MakingPicture, next: (picture: MakingPicture) => MakingDecision): MakingDecision {
  const job = overdueIn(picture);
  if (job === undefined) return untilOverdue(next(picture), picture);
  const { stateOf } = next(without(picture, job));
  return { action: { kind: 'giveUp', job, message: whyGivenUp(job) }, stateOf };
}

/** A Build that got no pod in time, or whose end nobody wrote: its place is for others. */
function overdueIn({ jobs }: MakingPicture): MakingJob | undefined {
  return jobs.find(({ phase, leftMs }) => phase === 'active' && leftMs !== undefined && leftMs <= 0);
}

export function whyGivenUp({ said, podTrouble }: MakingJob): string {
  if (said !== undefined) return said.message;
  return `it had no pod that starts for builds.timeout: ${podTrouble ?? 'OpenShift does not say why'}`;
}

/** The reason that metrics count it by. */
export const givenUpReason = makingReasons.buildFailed;

/** The picture as it is once `job` is gone. */
function without(picture: MakingPicture, job: MakingJob): MakingPicture {
  const { step, hash, attempt } = job;
  const failure: FormerFailure = { hash, attempt, atMs: picture.nowMs, message: whyGivenUp(job) };
  const failures = new Map<Step, FormerFailure>([...picture.failures, [step, failure]]);
  return { ...picture, failures, jobs: picture.jobs.filter((each) => each !== job) };
}

/** Looks again when the first of them is overdue. */
function untilOverdue(decision: MakingDecision, { jobs }: MakingPicture): MakingDecision {
  const left = jobs.flatMap(({ phase, leftMs }) => (phase === 'active' && leftMs !== undefined ? [leftMs] : []));
  if (left.length === 0) return decision;
  return { ...decision, wakeMs: Math.min(decision.wakeMs ?? Number.POSITIVE_INFINITY, ...left) };
}
