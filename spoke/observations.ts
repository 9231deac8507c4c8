import type { Clock } from '../shared/core/clock.ts';

/**
 * Since when the spoke has seen something be so, by the time that passes here: the times in pods and nodes are those of
 * the nodes' clocks. Forgotten with the process, so a restart of the spoke only ever makes it more patient.
 */
export class Observations {
  #clock: Pick<Clock, 'passed'>;
  #seen = new Map<string, { what: string; sinceMs: number }>();

  constructor(clock: Pick<Clock, 'passed'>) {
    this.#clock = clock;
  }

  /** Milliseconds for which `subject` has been `what`; 0 when it was something else, or unknown, before. */
  ageMs(subject: string, what: string): number {
    const passedMs = this.#clock.passed();
    const seen = this.#seen.get(subject);
    if (seen?.what === what) return passedMs - seen.sinceMs;
    this.#seen.set(subject, { what, sinceMs: passedMs });
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
