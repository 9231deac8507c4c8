import type { ImageState } from '../images/look-up.ts';
import { makingReasons } from './making-reasons.ts';
import type { MakingAction, MakingDecision, MakingJob, MakingPicture, Step, Verdict } from './picture.ts';

/** A hub that just started has not heard of all wants yet. */
const unwantedGraceMs = 60_000;
/** After a failure; doubling. */
const backOffMsFirst = 120_000;
const backOffMsMax = 3_600_000;

const none: MakingAction = { kind: 'none' };

/**
 * The next step of one image: wanted → checked → (building) → (signing) → verified. Pure. Whatever was lost, it begins
 * from what there is: Jobs, the registry, and what the recipe says now. There is one Job a step, by its name, so that no
 * two can work on one image; what was made is believed only once it was looked into (`verdicts`).
 */
export function decide(picture: MakingPicture): MakingDecision {
  const { recipe, jobs, existence, isCondemned } = picture;
  const unread = jobs.find(
    ({ phase, result }) => (phase === 'succeeded' || phase === 'failed') && result === undefined,
  );
  if (unread !== undefined)
    return always({ kind: 'read', job: unread }, working(unread.step, 'has ended; its result is read'));
  if (recipe === undefined) return unwanted(picture);
  if (existence.state === 'Checking' || existence.state === 'Unknown') return always(none, existence);
  const final: Step = recipe.sign === undefined ? 'build' : 'sign';
  if (existence.state === 'Verified' && !isCondemned) return there(picture, existence.digest, final);
  const leaving = jobs.find(({ phase }) => phase === 'terminating');
  if (leaving !== undefined) return always(none, working(leaving.step, 'waits until a former Job is gone'));
  return missing(picture, final);
}

/** Who is wanted no more is given up, not at once: another revision may want the same. */
function unwanted({ jobs, unwantedMs, keepFinishedMs, nowMs }: MakingPicture): MakingDecision {
  const checking: ImageState = { state: 'Checking' };
  const present = jobs.filter(({ phase }) => phase !== 'terminating');
  if (present.length === 0) return always(none, checking);
  const leftMs = (job: MakingJob) =>
    Math.max(unwantedGraceMs - unwantedMs, job.result === undefined ? 0 : job.result.atMs + keepFinishedMs - nowMs);
  const due = present.filter((job) => leftMs(job) <= 0);
  if (due.length > 0) return always(removal(due, 'nobody wants the image any more'), checking);
  return { ...always(none, checking), wakeMs: Math.min(...present.map(leftMs)) };
}

/** It is in the registry. If we put it there, it counts once it was looked into. */
function there(picture: MakingPicture, digest: string, final: Step): MakingDecision {
  const { jobs, kernels, inputs, keepFinishedMs, nowMs } = picture;
  const verified: ImageState = { state: 'Verified', digest };
  const present = jobs.filter(({ phase }) => phase !== 'terminating');
  const maker = present.find(({ step }) => step === final);
  // It may have pushed already, and not ended yet.
  if (maker?.phase === 'active') return always(none, working(final));
  if (maker?.phase !== 'succeeded') {
    return always(present.length > 0 ? removal(present, 'the image is there') : none, verified);
  }
  const stateOf = (kernel: string) => judged(maker.verdicts.get(kernel), digest);
  const open = kernels.filter((kernel) => maker.verdicts.get(kernel)?.digest !== digest);
  if (open.length > 0) return { action: { kind: 'verify', job: maker, digest, kernels: open }, stateOf };
  const bad = kernels.filter((kernel) => maker.verdicts.get(kernel)?.isGood === false);
  if (bad.length > 0) {
    const isOutdated = inputs.kind === 'ready' && inputs[final] !== undefined && inputs[final] !== maker.hash;
    return { action: isOutdated ? { ...removal(present, 'its inputs changed'), condemn: true } : none, stateOf };
  }
  const leftMs = (maker.result?.atMs ?? 0) + keepFinishedMs - nowMs;
  if (leftMs <= 0) return { action: removal(present, 'its image is verified'), stateOf };
  return { action: none, stateOf, wakeMs: leftMs };
}

function judged(verdict: Verdict | undefined, digest: string): ImageState {
  if (verdict?.digest !== digest) return { state: 'Checking' };
  if (verdict.isGood) return { state: 'Verified', digest };
  return { state: 'Failed', reason: verdict.reason, message: verdict.message };
}

/** It is not in the registry, or is no good there. */
function missing(picture: MakingPicture, final: Step): MakingDecision {
  const { inputs, jobs, recipe } = picture;
  if (inputs.kind === 'problem') {
    return always(none, { state: 'Failed', reason: inputs.reason, message: inputs.message });
  }
  const outdated = jobs.filter(({ step, hash }) => inputs[step] !== undefined && inputs[step] !== hash);
  if (outdated.some(({ step }) => step === 'build')) return always(removal(jobs, 'its inputs changed'), anew('build'));
  if (outdated.length > 0) return always(removal(outdated, 'its inputs changed'), anew('sign'));
  const steps: Step[] = recipe?.build === undefined ? ['sign'] : final === 'sign' ? ['build', 'sign'] : ['build'];
  for (const step of steps) {
    const job = jobs.find((each) => each.step === step);
    if (job === undefined) return begin(picture, step);
    if (job.phase === 'active') return always(none, working(step));
    if (job.phase === 'failed') return failed(picture, job);
    if (step === final) return pushed(picture, job);
  }
  return always(none, { state: 'Checking' });
}

function begin({ inputs, mayStart }: MakingPicture, step: Step): MakingDecision {
  const hash = inputs.kind === 'ready' ? inputs[step] : undefined;
  if (hash === undefined) return always(none, working(step, 'waits for the digest of the unsigned image'));
  if (mayStart) return always({ kind: 'create', step, hash }, working(step, 'begins'));
  const message = 'waits until one of the builds under way has ended (builds.concurrency)';
  return always(none, { ...working(step, message), reason: makingReasons.queued });
}

/** The Job says that it pushed: the registry is asked once more. */
function pushed(picture: MakingPicture, job: MakingJob): MakingDecision {
  if (picture.isCondemned) return always({ kind: 'ask' }, { state: 'Checking' });
  if (picture.askedMs <= (job.result?.atMs ?? 0)) return always({ kind: 'ask' }, { state: 'Checking' });
  const wasThere = [...job.verdicts.values()].some(({ isGood }) => isGood);
  if (wasThere) return always(removal(picture.jobs, 'the image was deleted from the registry'), anew('build'));
  const message = 'the Job succeeded, but the registry has no such image';
  return failed(picture, {
    ...job,
    result: { atMs: job.result?.atMs ?? picture.nowMs, reason: makingReasons.notPushed, message },
  });
}

/** Shown, and tried again later and later. */
function failed({ jobs, nowMs }: MakingPicture, job: MakingJob): MakingDecision {
  const { step, result, attempt } = job;
  const reason = step === 'build' ? makingReasons.buildFailed : makingReasons.signFailed;
  const message = `${step} failed (attempt ${attempt}): ${result?.message ?? 'its pod is gone'}`;
  const state: ImageState = { state: 'Failed', reason: result?.reason || reason, message };
  const leftMs =
    (result?.atMs ?? nowMs) + Math.min(backOffMsMax, backOffMsFirst * 2 ** Math.min(attempt - 1, 10)) - nowMs;
  if (leftMs > 0) return { ...always(none, state), wakeMs: leftMs };
  // The unsigned image may be deleted at any time, and is built again when it is needed (checklist 86).
  const again = result?.reason === makingReasons.unsignedMissing ? jobs : [job];
  return always(removal(again, 'it is tried again'), state);
}

function removal(jobs: readonly MakingJob[], why: string): MakingAction & { kind: 'delete' } {
  return { kind: 'delete', jobs: jobs.filter(({ phase }) => phase !== 'terminating'), condemn: false, why };
}

function working(step: Step, message = 'is under way'): ImageState & { state: 'Building' | 'Signing' } {
  return step === 'build'
    ? { state: 'Building', reason: makingReasons.building, message: `its build ${message}` }
    : { state: 'Signing', reason: makingReasons.signing, message: `its signing ${message}` };
}

function anew(step: Step): ImageState {
  return working(step, 'begins anew');
}

function always(action: MakingAction, state: ImageState): MakingDecision {
  return { action, stateOf: () => state };
}
