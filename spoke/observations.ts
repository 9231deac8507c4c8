import type { Clock } from '../shared/core/clock.ts';

/**
 * Since when the spoke has seen something be so, by its own clock: the times in pods and nodes are those of the nodes'
 * clocks. Forgotten with the process, so a restart of the spoke only ever makes it more patient.
 */
export class Observations {
  #clock: Clock;
  #seen = new Map<string, { what: string; sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds for which `subject` has been `what`; 0 when it was something else, or unknown, before. */
  ageMs(subject: string, what: string): number {
    const nowMs = this.#clock.now();
    const seen = this.#seen.get(subject);
    if (seen?.what === what) return nowMs - seen.sinceMs;
    this.#seen.set(subject, { what, sinceMs: nowMs });
    return 0;
  }

  forget(subject: string): void {
    this.#seen.delete(subject);
  }

  /** Forgets all subjects that start with `prefix`. */
  forgetAll(prefix: string): void {
    for (const subject of this.#seen.keys()) if (subject.startsWith(prefix)) this.#seen.delete(subject);
  }
}
