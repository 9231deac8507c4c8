import type { ImageState } from '../images/look-up.ts';
import { behindForeign } from './foreign-job.ts';
import { makingReasons } from './making-reasons.ts';
import { givingUp } from './overdue.ts';
import {
  type MakingAction,
  type MakingDecision,
  type MakingJob,
  type MakingPicture,
  neverMs,
  type Step,
} from './picture.ts';
import { anew, underWay, waiting, withMessage, working } from './under-way.ts';
import { isOpen, judged } from './verdicts.ts';

/** A hub that just started has not heard of all wants yet. */
const unwantedGraceMs = 5 * 60_000;
/** How many images there are is up to clusters: after so long, and longer than a failure is waited for, it is forgotten. */
const forgetMs = 2 * 3_600_000;
/** After a failure; doubling. */
const backOffMsFirst = 120_000;
const backOffMsMax = 3_600_000;
/** Who makes it elsewhere may be between two Jobs, and nothing tells of that. */
const queuedAgainMs = 30_000;
/** Somebody may have deleted an image that is no good, or pushed another. */
const askAgainMs = 600_000;

const none: MakingAction = { kind: 'none' };
const checking: ImageState = { state: 'Checking' };

/**
 * The next step of one image: wanted → checked → (building) → (signing) → verified. Pure. Whatever was lost, it begins
 * from what there is: Jobs, the registry, and what the recipe says now. There is one Job a step, by its name, so that no
 * two can work on one image; what was made is believed only once it was looked into (`verdicts`).
 */
export function decide(picture: MakingPicture): MakingDecision {
  return behindForeign(picture, givingUp(picture, next));
}

function next(picture: MakingPicture): MakingDecision {
  const { recipe, jobs, existence } = picture;
  const unread = jobs.find(
    ({ phase, result }) => (phase === 'succeeded' || phase === 'failed') && result === undefined,
  );
  if (unread !== undefined)
    return always({ kind: 'read', job: unread }, working(unread.step, 'has ended; its result is read'));
  if (recipe === undefined) return unwanted(picture);
  if (existence.state === 'Checking' || existence.state === 'Unknown') return always(none, existence);
  const final: Step = recipe.sign === undefined ? 'build' : 'sign';
  return existence.state === 'Verified' ? there(picture, existence.digest, final) : makeAnew(picture, final);
}

/** Who is wanted no more is given up, not at once: another revision may want the same. */
function unwanted({ jobs, wasGood, unwantedMs, keepFinishedMs, nowMs }: MakingPicture): MakingDecision {
  const present = jobs.filter(({ phase }) => phase !== 'terminating');
  if (jobs.length === 0) {
    if (unwantedMs >= forgetMs) return always({ kind: 'forget' }, checking);
    return { ...always(none, checking), wakeMs: forgetMs - unwantedMs };
  }
  if (present.length === 0) return always(none, checking);
  // Of an image that ships nobody wants to know any more: what made it has done all that it was for.
  const isDone = wasGood && present.every(({ phase }) => phase === 'succeeded');
  const graceMs = isDone ? 0 : unwantedGraceMs;
  const leftMs = (job: MakingJob) =>
    Math.max(graceMs - unwantedMs, job.result === undefined ? 0 : job.result.atMs + keepFinishedMs - nowMs);
  const due = present.filter((job) => leftMs(job) <= 0);
  if (due.length > 0) return always(removal(due, 'nobody wants the image any more'), checking);
  return { ...always(none, checking), wakeMs: Math.min(...present.map(leftMs)) };
}

/** It is in the registry: it counts once it was looked into, whoever put it there. */
function there(picture: MakingPicture, digest: string, final: Step): MakingDecision {
  const { jobs, expectations, verdicts, nowMs } = picture;
  const present = jobs.filter(({ phase }) => phase !== 'terminating');
  const maker = present.find(({ step }) => step === final);
  const stateOf = (expectation: string) => judged(verdicts.get(expectation), digest);
  // It may have pushed already, and not ended yet: what is there now may be gone in a moment.
  if (maker?.phase === 'active') return mixed(always(none, underWay(picture, maker)), stateOf);
  if (maker?.result?.digest !== undefined && maker.result.digest !== digest && !picture.isCondemned) {
    const { atMs: pushedMs } = maker.result;
    if (picture.askedMs <= pushedMs) return askAfter(pushedMs, nowMs);
    const message = `the ${final} pushed ${maker.result.digest}, and the registry has ${digest} under that name: somebody else pushed there. Delete ${maker.kind} ${maker.name} to take it`;
    return asked(picture.askedMs + askAgainMs - nowMs, () => ({
      state: 'Failed',
      reason: makingReasons.mismatch,
      message,
    }));
  }
  const open = expectations.filter((each) => isOpen(verdicts.get(each), nowMs));
  if (open.length > 0) return { action: { kind: 'verify', digest, expectations: open }, stateOf };
  const isBad = expectations.some((each) => verdicts.get(each)?.kind === 'bad');
  if (isBad) return noGood(picture, { digest, final, stateOf });
  const unknown = [...verdicts.values()].filter(({ kind }) => kind === 'unknown');
  if (unknown.length > 0) {
    return { action: none, stateOf, wakeMs: Math.min(...unknown.map(({ untilMs }) => untilMs)) - nowMs };
  }
  return tidied(picture, { present, maker, stateOf });
}

/** All is well: what made it goes. */
function tidied(
  { jobs, isCondemned, keepFinishedMs, nowMs }: MakingPicture,
  { present, maker, stateOf }: { present: readonly MakingJob[]; maker: MakingJob | undefined; stateOf: StateOf },
): MakingDecision {
  if (isCondemned && jobs.length === 0) return { action: { kind: 'ask' }, stateOf };
  if (present.length === 0) return { action: none, stateOf };
  if (maker?.phase !== 'succeeded') return { action: removal(present, 'the image is there'), stateOf };
  const leftMs = (maker.result?.atMs ?? neverMs) + keepFinishedMs - nowMs;
  if (leftMs <= 0) return { action: removal(present, 'its image is verified'), stateOf };
  return { action: none, stateOf, wakeMs: leftMs };
}

/** What is there is not what is wanted. It is made anew when what it is made from changed, or while that is under way. */
function noGood(
  picture: MakingPicture,
  { digest, final, stateOf }: { digest: string; final: Step; stateOf: StateOf },
): MakingDecision {
  const { jobs, inputs, isCondemned, askedMs, nowMs } = picture;
  const maker = jobs.find(({ step, phase }) => step === final && phase === 'succeeded');
  const madeThis = maker !== undefined && (maker.result?.digest ?? digest) === digest;
  if (isCondemned || (jobs.length > 0 && !madeThis)) return mixed(makeAnew(picture, final), stateOf);
  const isOutdated = jobs.some(({ step, hash }) => inputs.kind === 'ready' && isOther(inputs[step], hash));
  if (!isOutdated) return asked(askedMs + askAgainMs - nowMs, stateOf);
  return { action: { ...removal(jobs, 'its inputs changed'), condemn: true }, stateOf };
}

/** What was asked for in that moment is of before it, too: only a question counts that comes later. */
function askAfter(pushedMs: number, nowMs: number): MakingDecision {
  if (nowMs > pushedMs) return always({ kind: 'ask' }, checking);
  return { ...always(none, checking), wakeMs: pushedMs + 1 - nowMs };
}

type StateOf = MakingDecision['stateOf'];

function asked(inMs: number, stateOf: StateOf): MakingDecision {
  return inMs > 0 ? { action: none, stateOf, wakeMs: inMs } : { action: { kind: 'ask' }, stateOf };
}

/** Who has what is wanted keeps it while it is made anew for others. */
function mixed(making: MakingDecision, stateOf: StateOf): MakingDecision {
  return {
    ...making,
    stateOf(expectation) {
      const state = stateOf(expectation);
      return state.state === 'Verified' ? state : making.stateOf(expectation);
    },
  };
}

function isOther(wanted: string | undefined, made: string): boolean {
  return wanted !== undefined && wanted !== made;
}

function makeAnew(picture: MakingPicture, final: Step): MakingDecision {
  const leaving = picture.jobs.find(({ phase }) => phase === 'terminating');
  if (leaving !== undefined) return always(none, working(leaving.step, 'waits until a former Job is gone'));
  return missing(picture, final);
}

/** It is not in the registry, or is no good there. */
function missing(picture: MakingPicture, final: Step): MakingDecision {
  const { inputs, jobs, recipe } = picture;
  if (inputs.kind === 'problem') {
    // Not all that it hangs on wakes this image: whether a Secret is another version's key, for one.
    return { ...always(none, { state: 'Failed', reason: inputs.reason, message: inputs.message }), wakeMs: askAgainMs };
  }
  if (inputs.kind === 'waiting') return always(none, waiting(inputs.message));
  const maker = jobs.find(({ step, phase }) => step === final && phase === 'succeeded');
  // Without its Job nothing would tell that what it has pushed since the registry was asked may be of former inputs.
  const pushedMs = maker?.result?.atMs ?? neverMs;
  if (picture.existence.state === 'Missing' && picture.askedMs <= pushedMs) return askAfter(pushedMs, picture.nowMs);
  const outdated = jobs.filter(({ step, hash }) => isOther(inputs[step], hash));
  // It may push in its last moment: what is there then is made anew, unless it is good.
  const condemn = picture.isCondemned || outdated.some(({ step, phase }) => step === final && phase === 'active');
  const from = outdated.some(({ step }) => step === 'build') ? 'build' : 'sign';
  const gone = { ...removal(from === 'build' ? jobs : outdated, 'its inputs changed'), condemn };
  if (outdated.length > 0) return always(gone, anew(from));
  const atWork = jobs.find(({ phase }) => phase === 'active');
  const steps: Step[] = recipe?.build === undefined ? ['sign'] : final === 'sign' ? ['build', 'sign'] : ['build'];
  for (const step of steps) {
    const job = jobs.find((each) => each.step === step);
    // Somebody may have deleted the build's Job while the signature is made of what it pushed.
    if (job === undefined) return atWork === undefined ? begin(picture, step) : always(none, underWay(picture, atWork));
    if (job.phase === 'active') return always(none, underWay(picture, job));
    if (job.phase === 'failed') return failed(picture, job);
    if (step === final) return pushed(picture, job);
    if (job.result?.digest === undefined)
      return failed(picture, withMessage(job, 'its pod was gone before it was read'));
  }
  return always(none, { state: 'Checking' });
}

function begin(picture: MakingPicture, step: Step): MakingDecision {
  const { inputs, mayStart, failures, heldMs, askedMs, nowMs } = picture;
  const hash = inputs.kind === 'ready' ? inputs[step] : undefined;
  const former = failures.get(step);
  const leftMs = former !== undefined && former.hash === hash ? former.atMs + backOffMs(former.attempt) - nowMs : 0;
  if (leftMs > 0) {
    const reason = step === 'build' ? makingReasons.buildFailed : makingReasons.signFailed;
    const message = `${step} failed (attempt ${former?.attempt}): ${former?.message}; it is tried again later`;
    return { ...always(none, { state: 'Failed', reason, message }), wakeMs: leftMs };
  }
  if (hash === undefined) return always(none, working(step, 'waits for the digest of the unsigned image'));
  // Who was at it may have made just what is missing here.
  if (mayStart && askedMs <= heldMs) return always({ kind: 'ask' }, { state: 'Checking' });
  if (mayStart) return always({ kind: 'create', step, hash }, working(step, 'begins'));
  const isHeld = heldMs === nowMs;
  const until = isHeld
    ? 'the same image is made in another namespace'
    : 'one of the builds under way has ended (builds.concurrency)';
  const queued = { ...working(step, `waits ${isHeld ? 'while' : 'until'} ${until}`), reason: makingReasons.queued };
  return { ...always(none, queued), wakeMs: queuedAgainMs };
}

/** The Job says that it pushed: the registry is asked once more. */
function pushed(picture: MakingPicture, job: MakingJob): MakingDecision {
  if (picture.isCondemned) return always({ kind: 'ask' }, { state: 'Checking' });
  if (picture.wasGood) return always(removal(picture.jobs, 'the image was deleted from the registry'), anew('build'));
  const message = 'the Job succeeded, but the registry has no such image';
  return failed(picture, withMessage(job, message, makingReasons.notPushed));
}

/** Shown, and tried again later and later. */
function failed({ jobs, nowMs }: MakingPicture, job: MakingJob): MakingDecision {
  const { step, result, attempt } = job;
  const reason = step === 'build' ? makingReasons.buildFailed : makingReasons.signFailed;
  const message = `${step} failed (attempt ${attempt}): ${result?.message ?? 'its pod is gone'}`;
  const state: ImageState = { state: 'Failed', reason: result?.reason || reason, message };
  const leftMs = (result?.atMs ?? nowMs) + backOffMs(attempt) - nowMs;
  if (leftMs > 0) return { ...always(none, state), wakeMs: leftMs };
  // The unsigned image may be deleted at any time, and is built again when it is needed (checklist 86).
  const again = result?.reason === makingReasons.unsignedMissing ? jobs : [job];
  return always(removal(again, 'it is tried again'), state);
}

function backOffMs(attempt: number): number {
  return Math.min(backOffMsMax, backOffMsFirst * 2 ** Math.min(attempt - 1, 10));
}

function removal(jobs: readonly MakingJob[], why: string): MakingAction & { kind: 'delete' } {
  return { kind: 'delete', jobs: jobs.filter(({ phase }) => phase !== 'terminating'), condemn: false, why };
}

function always(action: MakingAction, state: ImageState): MakingDecision {
  return { action, stateOf: () => state };
}
