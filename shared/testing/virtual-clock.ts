import type { Clock } from '../core/clock.ts';

/**
 * A clock that stands still until a test moves it. Equal runs give equal orders. As in a process that has just started,
 * next to nothing has passed: a deadline that forgets it, or is counted by the other time, shows.
 */
export class VirtualClock implements Clock {
  #passedMs = 0;
  /** What `now()` says more. */
  #wallMs: number;
  #timers: { atMs: number; sequence: number; callback: () => void }[] = [];
  #sequence = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs + this.#passedMs;
  }

  passed(): number {
    return this.#passedMs;
  }

  /** Timers that have not fired: a test that ended should leave none. */
  get pending(): number {
    return this.#timers.length;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#passedMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time by `ms`; timers fire at their own time and in order, and after each the promises that it woke settle. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#passedMs + ms;
    await settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#passedMs = Math.max(this.#passedMs, next.atMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.callback();
      await settle();
    }
    this.#passedMs = endMs;
  }

  /** Moves time by `ms` and fires no timer, as for a process that stands still: its timers are late. */
  skip(ms: number): void {
    this.#passedMs += ms;
  }

  setBack(ms: number): void {
    this.setForward(-ms);
  }

  /** As somebody who sets a machine's clock does, or a machine that sleeps: timers fire after as long as before. */
  setForward(ms: number): void {
    this.#wallMs += ms;
  }

  #next(endMs: number) {
    const due = this.#timers.filter((timer) => timer.atMs <= endMs);
    due.sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence);
    return due[0];
  }
}

/** Lets all promises settle that need no I/O and no time: a few turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
