import { AssertionError } from '../core/assert.ts';
import { errorMessage, StalledError, WaitingError } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import { backOffMs } from './back-off.ts';
import { isConflict, KubeError } from './errors.ts';

export type ReconcileEnd = { outcome: Outcome } | { error: unknown };

/** What the runner does after a reconcile. `result` is the meter's label. */
export interface Requeue {
  result: 'done' | 'after' | 'waiting' | 'stalled' | 'conflict' | 'failed';
  /** Why, in words that do not vary: the error's reason or the outcome's `why`. The meter's other label. */
  reason: string;
  /** `undefined`: only a change wakes the key again. */
  delayMs: number | undefined;
  /** Tries that failed one after another, for the next back-off. */
  failures: number;
  /** Said once while it stays the same for the key. `undefined`: nothing to say. */
  log: { level: 'debug' | 'info' | 'warn' | 'error'; text: string; fields: Record<string, unknown> } | undefined;
}

export const requeueLimits = {
  /** A cached object is old by the time of one round trip, seldom more. */
  conflict: { firstMs: 100, maxMs: 5_000 },
  failed: { firstMs: 1_000, maxMs: 120_000 },
  /** What is waited for wakes the key by itself; this is for what has no watch. A look costs no request. */
  waitingMs: 10 * 60_000,
  /** A person must act, and will change an object that wakes the key. */
  stalledMs: 30 * 60_000,
} as const;

/** The one place where the end of a reconcile becomes a requeue, a log line and a metric (style rule 3). */
export function requeueAfter(end: ReconcileEnd, failures: number, random: () => number): Requeue {
  if ('outcome' in end) return afterOutcome(end.outcome);
  const { error } = end;
  if (error instanceof WaitingError) {
    const fields = { reason: error.reason, message: error.message };
    return {
      result: 'waiting',
      reason: error.reason,
      delayMs: error.retryMs ?? requeueLimits.waitingMs,
      failures: 0,
      log: { level: 'info', text: 'waiting', fields },
    };
  }
  if (error instanceof StalledError) {
    const fields = { reason: error.reason, message: error.message };
    return {
      result: 'stalled',
      reason: error.reason,
      delayMs: requeueLimits.stalledMs,
      failures: 0,
      log: { level: 'warn', text: 'stalled until someone changes it', fields },
    };
  }
  return isConflict(error) ? afterConflict(error, failures + 1, random) : afterFailure(error, failures + 1, random);
}

function afterOutcome(outcome: Outcome): Requeue {
  if (outcome.kind === 'done') return { result: 'done', reason: '', delayMs: undefined, failures: 0, log: undefined };
  const log = { level: 'debug', text: 'looking again later', fields: { why: outcome.why } } as const;
  return { result: 'after', reason: outcome.why, delayMs: outcome.delayMs, failures: 0, log };
}

function afterConflict(error: KubeError, failures: number, random: () => number): Requeue {
  const log = { level: 'debug', text: 'conflict, looking again', fields: { message: error.message } } as const;
  const delayMs = backOffMs(failures, requeueLimits.conflict, random);
  return { result: 'conflict', reason: error.reason, delayMs, failures, log };
}

function afterFailure(error: unknown, failures: number, random: () => number): Requeue {
  const retryAfterMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
  const fields: Record<string, unknown> = { error: errorMessage(error) };
  if (error instanceof KubeError) Object.assign(fields, { status: error.status, reason: error.reason });
  // A broken invariant or a TypeError is found by its stack; an operating error is not.
  else if (error instanceof Error) fields['stack'] = error.stack;
  const level = error instanceof AssertionError || error instanceof TypeError ? 'error' : 'warn';
  return {
    result: 'failed',
    reason: error instanceof KubeError ? error.reason : 'Error',
    delayMs: Math.max(retryAfterMs, backOffMs(failures, requeueLimits.failed, random)),
    failures,
    log: { level, text: 'reconcile failed, trying again', fields },
  };
}
