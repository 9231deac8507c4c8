import { rfc3339 } from '../../../../shared/core/clock.ts';
import type { Job, Pod } from '../../../../shared/kube/object.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
/** A failed pod's successor waits so long, doubled each time. */
const backOff = { firstMs: 10_000, maxMs: 10 * 60_000 } as const;

export interface Picture {
  readonly job: Job;
  /** Pods that the Job controls. */
  readonly pods: readonly Pod[];
  /** Uids of pods whose end is in the status already. */
  readonly counted: ReadonlySet<string>;
  readonly nowMs: number;
}

type Status = NonNullable<Job['status']>;

export interface Decision {
  readonly status: Status;
  readonly create: boolean;
  readonly remove: readonly Pod[];
  /** Pods whose end is in `status`: once that is written, nothing holds them any more. */
  readonly release: readonly Pod[];
  /** When to look again though nothing changes. */
  readonly lookAgainMs: number | undefined;
}

interface End {
  readonly target: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

const ends = {
  completed: {
    target: 'SuccessCriteriaMet',
    type: 'Complete',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  },
  tooManyFailures: {
    target: 'FailureTarget',
    type: 'Failed',
    reason: 'BackoffLimitExceeded',
    message: 'Job has reached the specified backoff limit',
  },
  tooLate: {
    target: 'FailureTarget',
    type: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'Job was active longer than specified deadline',
  },
} as const satisfies Record<string, End>;

/** What Kubernetes' Job controller does next with a Job of one pod at a time and one success. */
export function decide(picture: Picture): Decision {
  const { job, pods, nowMs } = picture;
  const held = pods.filter(({ metadata }) => metadata.finalizers?.includes(trackingFinalizer));
  const idle = { create: false, remove: [], lookAgainMs: undefined };
  if (isFinished(job)) return { ...idle, status: job.status ?? {}, release: held.filter(hasEnded) };
  const counts = countsOf(picture, held);
  if (job.metadata.deletionTimestamp !== undefined) return { ...idle, status: job.status ?? {}, release: held };
  const startTime = job.status?.startTime ?? rfc3339(nowMs);
  const startMs = Date.parse(startTime);
  const end = endOf(job, { ...counts, startMs, nowMs });
  const active = pods.filter((pod) => !hasEnded(pod));
  const terminating = pods.filter((pod) => isTerminating(pod)).length;
  const isOver = end !== undefined && active.length === 0 && terminating === 0;
  const waitMs = backOffUntilMs(pods, counts.failed) - nowMs;
  const isWanted = end === undefined && active.length === 0 && job.spec.suspend !== true;
  return {
    status: {
      ...counted(counts, active.length),
      startTime,
      ready: active.filter(isReady).length,
      terminating,
      uncountedTerminatedPods: {},
      ...conditionsOf(job, end, { isOver, nowMs }),
    },
    create: isWanted && waitMs <= 0,
    remove: end === undefined ? [] : active,
    release: held.filter(hasEnded),
    lookAgainMs: isWanted && waitMs > 0 ? waitMs : deadlineMs(job, startMs, nowMs),
  };
}

function isFinished({ status }: Job): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: holds }) => (type === 'Complete' || type === 'Failed') && holds === 'True',
  );
}

/** A pod that is being deleted counts as failed at once, as with `podReplacementPolicy: TerminatingOrFailed`. */
function hasEnded(pod: Pod): boolean {
  return isOver(pod) || pod.metadata.deletionTimestamp !== undefined;
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isOver(pod);
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(({ type, status: holds }) => type === 'Ready' && holds === 'True');
}

interface Counts {
  readonly succeeded: number;
  readonly failed: number;
}

function countsOf({ job, counted: known }: Picture, held: readonly Pod[]): Counts {
  const fresh = held.filter((pod) => hasEnded(pod) && !known.has(pod.metadata.uid ?? ''));
  const succeeded = fresh.filter(({ status }) => status?.phase === 'Succeeded').length;
  return {
    succeeded: (job.status?.succeeded ?? 0) + succeeded,
    failed: (job.status?.failed ?? 0) + fresh.length - succeeded,
  };
}

/** Zeros are left out of the JSON, as by Go's omitempty. */
function counted({ succeeded, failed }: Counts, active: number): Status {
  return { ...(active > 0 && { active }), ...(succeeded > 0 && { succeeded }), ...(failed > 0 && { failed }) };
}

function endOf(job: Job, at: Counts & { startMs: number; nowMs: number }): End | undefined {
  const { completions, backoffLimit = 6, activeDeadlineSeconds } = job.spec;
  const begun = Object.values(ends).find((end) => job.status?.conditions?.some((each) => isTarget(each, end)));
  if (begun !== undefined) return begun;
  if (at.succeeded >= (completions ?? 1)) return ends.completed;
  if (at.failed > backoffLimit) return ends.tooManyFailures;
  const isLate = activeDeadlineSeconds !== undefined && at.nowMs - at.startMs >= activeDeadlineSeconds * 1000;
  return isLate ? ends.tooLate : undefined;
}

function isTarget(condition: { type: string; reason?: string }, { target, reason }: End): boolean {
  return condition.type === target && condition.reason === reason;
}

/** What the end will be stands first alone, and the end itself once no pod is left. */
function conditionsOf(job: Job, end: End | undefined, at: { isOver: boolean; nowMs: number }): Status {
  const present = job.status?.conditions ?? [];
  if (end === undefined) return present.length > 0 ? { conditions: present } : {};
  const now = rfc3339(at.nowMs);
  const { reason, message } = end;
  const made = (type: string) => ({
    type,
    status: 'True',
    lastProbeTime: now,
    lastTransitionTime: now,
    reason,
    message,
  });
  const first = present.some((each) => isTarget(each, end)) ? present : [...present, made(end.target)];
  if (!at.isOver) return { conditions: first };
  return {
    conditions: [...first, made(end.type)],
    ...(end.type === 'Complete' && { completionTime: now }),
  };
}

function backOffUntilMs(pods: readonly Pod[], failures: number): number {
  if (failures === 0) return 0;
  const failed = pods.filter((pod) => hasEnded(pod) && pod.status?.phase !== 'Succeeded');
  const delayMs = Math.min(backOff.firstMs * 2 ** (failures - 1), backOff.maxMs);
  return Math.max(0, ...failed.map((pod) => endedMs(pod) + delayMs));
}

function endedMs({ metadata, status }: Pod): number {
  const times = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length > 0
    ? Math.max(...known)
    : Date.parse(metadata.deletionTimestamp ?? metadata.creationTimestamp ?? '');
}

function deadlineMs({ spec }: Job, startMs: number, nowMs: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined) return undefined;
  return Math.max(0, startMs + spec.activeDeadlineSeconds * 1000 - nowMs);
}
