import type { ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import { type Counts, type Feedback, printable } from './feedback.ts';
import { type Memory, notAhead } from './judge-memory.ts';
import { type Problem, reasons } from './reasons.ts';

/** What a cluster is, at the state that its work ships (contract 5). */
export interface Verdict extends Problem {
  phase: 'Progressing' | 'Succeeded' | 'Failed';
  /** `CountsOnly`: upstream's spoke, which does not say which state its numbers belong to. */
  reporting: 'State' | 'CountsOnly';
  /** Time alone changes the verdict then. */
  recheckMs?: number | undefined;
  /** Since when it is as the verdict says; of those that succeeded or failed. */
  sinceMs?: number | undefined;
}

export interface JudgeInput {
  work: ManifestWork;
  /** The spec that the work ships: what is expected of the spoke at all. */
  spec: ModuleSpec;
  feedback: Feedback;
  minSuccessMs: number;
  /** After this long without success the cluster counts as failed. */
  deadlineMs: number | undefined;
  nowMs: number;
  memory: Memory | undefined;
  /** What a cluster said before it was lost does not count to how long it has been well since it is back. */
  reachableSinceMs?: number | undefined;
}

export const judgeLimits = {
  /** A load is tried again by kubelet; one failure that lasts shorter is not yet one. */
  failingMs: 40_000,
  /** Numbers that belong to no known state must hold longer than the agent's poll (10-19 s) and a pod's start. */
  countsOnlyMs: 60_000,
  /** Nothing at all was reported: nothing to do there, or nobody who does it. */
  nothingReportedMs: 5 * 60_000,
} as const;

/** Judges one cluster that is reachable and has a work. Pure: the memory for the next time is in the answer. */
export function judge(input: JudgeInput): { verdict: Verdict; memory: Memory } {
  const { work, nowMs } = input;
  const state = work.metadata.annotations?.[annotations.state];
  const known = input.memory?.state === state ? input.memory : undefined;
  const memory = notAhead(known ?? { state, wasBroken: false }, nowMs);
  const observed = observe(input, state);
  const notedMs = timeOf(work.metadata.annotations?.[annotations.failedAt]);
  const failingSinceMs = observed.failing ? (memory.failingSinceMs ?? notedMs ?? nowMs) : undefined;
  const wasBroken = memory.wasBroken || !observed.fulfilled;
  const seenAtMs = observed.fulfilled ? (memory.seenAtMs ?? nowMs) : undefined;
  const isNoted = work.metadata.annotations?.[annotations.succeededAt] !== undefined;
  const backMs = isNoted ? 0 : Math.min(input.reachableSinceMs ?? 0, nowMs);
  const verdict = observed.fulfilled
    ? soaked(
        input,
        observed,
        Math.max(wasBroken ? (seenAtMs ?? nowMs) : unbrokenSince(work, seenAtMs ?? nowMs), backMs),
      )
    : overdue({ ...input, memory }, observed, failingSinceMs);
  const succeededMs = verdict.phase === 'Succeeded' ? nowMs : memory.succeededMs;
  return { verdict, memory: { state, wasBroken, failingSinceMs, seenAtMs, succeededMs } };
}

/**
 * What is said of a cluster that is well now and must stay so; undefined of others, and where nothing need be waited for. Since when it is
 * well only `judge` knows, which remembers, and the note in the work. Pure.
 */
export function soakOf(input: Observed): Problem | undefined {
  const observed = observe(input, input.work.metadata.annotations?.[annotations.state]);
  return observed.fulfilled && observed.soakMs > 0 ? soaking(observed) : undefined;
}

type Observed = Pick<JudgeInput, 'work' | 'spec' | 'feedback' | 'minSuccessMs'>;

/** What the feedback says now, without regard to how long it has said so. */
interface Observation extends Problem {
  fulfilled: boolean;
  failing: boolean;
  reporting: Verdict['reporting'];
  /** How long it must hold. */
  soakMs: number;
}

function observe(input: Observed, state: string | undefined): Observation {
  const { feedback } = input;
  const reporting: Verdict['reporting'] = feedback.state === undefined ? 'CountsOnly' : 'State';
  const unfulfilled = (reason: string, message: string, failing = false): Observation => ({
    fulfilled: false,
    failing,
    reporting,
    soakMs: 0,
    reason,
    message,
  });
  const applied = appliedProblem(input.work);
  if (applied !== undefined) return unfulfilled(applied.reason, applied.message);
  if (reporting === 'CountsOnly') return observeCounts(input);
  if (feedback.state !== state) {
    return unfulfilled(reasons.notReported, 'applied; the cluster has not reported on this state yet');
  }
  if (feedback.report === undefined) {
    return unfulfilled(reasons.reportInvalid, feedback.reportProblem ?? 'the cluster sent no report');
  }
  return observeReport(input, feedback.report);
}

function observeReport(input: Observed, report: NonNullable<Feedback['report']>): Observation {
  const [desired, loaded, failed, unreachable] = report.nodes;
  const base = { reporting: 'State', soakMs: input.minSuccessMs } as const;
  if (failed > 0) {
    const message = `${failed} of ${desired} nodes failed${firstError(report)}`;
    return { ...base, fulfilled: false, failing: true, reason: reasons.failing, message };
  }
  const expected = desired - unreachable;
  if (desired > 0 && expected === 0) {
    const message = `none of its ${desired} nodes can be reached${firstError(report)}`;
    return { ...base, fulfilled: false, failing: false, reason: reasons.loading, message };
  }
  if (loaded !== expected) {
    const message = `loaded on ${loaded} of ${expected} reachable nodes${firstError(report)}`;
    return { ...base, fulfilled: false, failing: false, reason: reasons.loading, message };
  }
  const short = pluginShortage(input, unreachable);
  if (short !== undefined)
    return { ...base, fulfilled: false, failing: false, reason: reasons.loading, message: short };
  const nothing = desired === 0 && plugins(input).every(({ counts }) => (counts.desiredNumber ?? 0) === 0);
  return nothing
    ? { ...base, fulfilled: true, failing: false, reason: reasons.nothingToDo, message: 'no node there wants it' }
    : { ...base, fulfilled: true, failing: false, reason: reasons.succeeded, message: `loaded on ${loaded} nodes` };
}

/** Upstream's spoke: plain numbers, which it leaves out when 0. */
function observeCounts(input: Observed): Observation {
  const { feedback, minSuccessMs } = input;
  const { countsOnlyMs, nothingReportedMs } = judgeLimits;
  const all = [feedback.moduleLoader, feedback.devicePlugin, feedback.dra].flatMap((counts) => Object.values(counts));
  const base = { reporting: 'CountsOnly', failing: false } as const;
  if (all.every((count) => count === 0)) {
    const message = 'applied, but the cluster reports no numbers: nothing to do there, or no operator that does it';
    const soakMs = Math.max(minSuccessMs, nothingReportedMs);
    return { ...base, fulfilled: true, soakMs, reason: reasons.nothingReported, message };
  }
  const soakMs = Math.max(minSuccessMs, countsOnlyMs);
  const { desiredNumber: desired = 0, availableNumber: available = 0 } = feedback.moduleLoader;
  const wantsLoader = Boolean(input.spec.moduleLoader);
  const loading = wantsLoader && available !== desired ? `loaded on ${available} of ${desired} nodes` : undefined;
  const short = loading ?? pluginShortage(input, 0);
  if (short !== undefined) return { ...base, fulfilled: false, soakMs, reason: reasons.loading, message: short };
  return { ...base, fulfilled: true, soakMs, reason: reasons.succeeded, message: `loaded on ${available} nodes` };
}

/** What the cluster says is wrong, also while no node counts as failed, such as a DaemonSet that cannot be written. */
function firstError({ errors: [error] = [] }: NonNullable<Feedback['report']>): string {
  if (error === undefined) return '';
  return `: ${[error.node, error.reason].filter((part) => part !== '').join(' ')}: ${error.message}`;
}

function plugins({ spec, feedback }: Observed): { name: string; counts: Counts }[] {
  const found = [];
  if (spec.devicePlugin) found.push({ name: 'device plugin', counts: feedback.devicePlugin });
  if (spec.dra) found.push({ name: 'DRA driver', counts: feedback.dra });
  return found;
}

function pluginShortage(input: Observed, unreachable: number): string | undefined {
  for (const { name, counts } of plugins(input)) {
    const { desiredNumber: desired = 0, availableNumber: available = 0 } = counts;
    const expected = Math.max(0, desired - unreachable);
    if (available !== expected) return `${name} available on ${available} of ${expected} reachable nodes`;
  }
  return undefined;
}

/** `Applied` at the work's generation, else why not. */
export function appliedProblem(work: ManifestWork): Problem | undefined {
  const applied = work.status?.conditions?.find((condition) => condition.type === 'Applied');
  if (applied === undefined || applied.observedGeneration !== work.metadata.generation) {
    return { reason: reasons.notApplied, message: 'the cluster has not applied the work yet' };
  }
  if (applied.status === 'True') return undefined;
  const ofManifest = work.status?.resourceStatus?.manifests?.[0]?.conditions?.find(({ type }) => type === 'Applied');
  return { reason: reasons.applyFailed, message: printable(ofManifest?.message || applied.message) };
}

/**
 * `succeeded-at` where there is one, else the later of `updated-at` and Applied's transition. The cluster's clock may be
 * ahead of ours: what it says is never later than when we first saw it.
 */
function unbrokenSince(work: ManifestWork, seenAtMs: number): number {
  const noted = work.metadata.annotations ?? {};
  const applied = work.status?.conditions?.find((condition) => condition.type === 'Applied');
  const succeededAt = timeOf(noted[annotations.succeededAt]);
  const started = Math.max(timeOf(noted[annotations.updatedAt]) ?? 0, timeOf(applied?.lastTransitionTime) ?? 0);
  return Math.min(succeededAt ?? started, seenAtMs);
}

function soaked(input: JudgeInput, observed: Observation, sinceMs: number): Verdict {
  const { reporting, reason, message } = observed;
  const leftMs = sinceMs + observed.soakMs - input.nowMs;
  if (leftMs <= 0) return { phase: 'Succeeded', reporting, reason, message, sinceMs };
  return { phase: 'Progressing', reporting, ...soaking(observed), recheckMs: leftMs };
}

/** The time that is left is not said: a text that changes every second would be written every second. */
function soaking({ reason, message, soakMs }: Observation): Problem {
  const text = `${message}; counts as succeeded when that has held for ${Math.ceil(soakMs / 1000)} s`;
  return { reason: reason === reasons.nothingReported ? reason : reasons.soaking, message: text };
}

function overdue(input: JudgeInput, observed: Observation, failingSinceMs: number | undefined): Verdict {
  const { reporting, reason, message } = observed;
  const { nowMs, deadlineMs } = input;
  const failsInMs = failingSinceMs === undefined ? undefined : failingSinceMs + judgeLimits.failingMs - nowMs;
  if (failsInMs !== undefined && failsInMs <= 0) {
    return { phase: 'Failed', reporting, reason: reasons.loadFailed, message, sinceMs: failingSinceMs };
  }
  const lateAtMs = deadlineMs === undefined ? undefined : deadlineOf(input, deadlineMs);
  const lateInMs = lateAtMs === undefined ? undefined : lateAtMs - nowMs;
  if (lateInMs !== undefined && lateInMs <= 0) {
    const text = `deadline passed; ${message}`;
    return { phase: 'Failed', reporting, reason: reasons.deadlineExceeded, message: text, sinceMs: lateAtMs };
  }
  return { phase: 'Progressing', reporting, reason, message, recheckMs: earliest(failsInMs, lateInMs) };
}

/** Until when it must have succeeded. Who did is not late when a node reboots a week after. */
export function deadlineOf(
  { work, memory }: Pick<JudgeInput, 'work' | 'memory'>,
  deadlineMs: number,
): number | undefined {
  const noted = work.metadata.annotations ?? {};
  if (noted[annotations.succeededAt] !== undefined) return undefined;
  const startMs = timeOf(noted[annotations.startedAt]) ?? timeOf(noted[annotations.updatedAt]);
  return startMs === undefined ? undefined : Math.max(startMs, memory?.succeededMs ?? 0) + deadlineMs;
}

function earliest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function timeOf(text: string | undefined): number | undefined {
  const timeMs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
