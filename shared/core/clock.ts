/** Cancels a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/**
 * Time as a parameter (style rule 12). Milliseconds since the epoch; timers are relative.
 * Programs get `systemClock`; unit tests a virtual one (`shared/testing`); journeys a scaled one.
 */
export interface Clock {
  now(): number;
  /** Calls `callback` once after `delayMs`; never synchronously. The timer alone never keeps a process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
  /** Milliseconds that passed, whoever sets the clock meanwhile; they stand still while the machine sleeps. */
  passed?(): number;
}

/** Longest delay that Node's timers take; a longer one fires at once there. */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  passed: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), timerMsMax));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * A clock that runs `factor` times as fast as `base`: the world and the programs of a journey share one,
 * so that a minute of waiting costs a second and every duration keeps its proportion.
 */
export function scaledClock(base: Clock, factor: number): Clock {
  const startMs = base.now();
  return {
    now: () => startMs + (base.now() - startMs) * factor,
    after: (delayMs, callback) => base.after(delayMs / factor, callback),
    passed: () => (base.passed?.() ?? base.now()) * factor,
  };
}

/**
 * The time of `clock` for durations and deadlines: where somebody sets the clock back it goes on from where it was last
 * looked at, so that nothing waits for as long as the step was, but at most twice. One function for all times that are
 * compared with each other.
 */
export function steadyTime(clock: Pick<Clock, 'now'>): () => number {
  let seenMs = clock.now();
  let setBackMs = 0;
  return () => {
    const nowMs = clock.now();
    if (nowMs < seenMs) setBackMs += seenMs - nowMs;
    seenMs = nowMs;
    return nowMs + setBackMs;
  };
}

/** Resolves after `delayMs`, or at once when `signal` aborts (it does not reject: the caller looks at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

let lastTold = { second: Number.NaN, text: '' };

/** RFC 3339 with seconds, as Kubernetes' `metav1.Time` has it. */
export function rfc3339(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  // Each look at a cluster asks for the present second.
  if (second !== lastTold.second) lastTold = { second, text: `${new Date(timeMs).toISOString().slice(0, 19)}Z` };
  return lastTold.text;
}
