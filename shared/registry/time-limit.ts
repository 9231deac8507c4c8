import type { CancelTimer, Clock } from '../core/clock.ts';

/** A wait that may not take longer than `ms`; one after another by the same signal, which stays aborted once it was. */
export class TimeLimit {
  readonly ms: number;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.ms = ms;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  begin(): void {
    this.end();
    this.#cancel = this.#clock.after(this.ms, () => this.#abort.abort());
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
