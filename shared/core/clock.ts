/** Cancels a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/**
 * Time as a parameter (style rule 12), in milliseconds. Two times, which must not be compared with each other; timers are relative.
 * Programs get `systemClock`; unit tests a virtual one (`shared/testing`); journeys a scaled one.
 */
export interface Clock {
  /** Wall time, since the epoch: for what is written, and what is compared with times that others wrote. Anybody may set it. */
  now(): number;
  /**
   * What passed since about the start of the process, whoever sets the clock meanwhile: for durations and deadlines. 0 is not
   * long ago, and it stands still while the machine sleeps.
   */
  passed(): number;
  /** Calls `callback` once after `delayMs`; never synchronously. The timer alone never keeps a process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
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
    passed: () => base.passed() * factor,
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
