import type { CancelTimer, Clock } from '../core/clock.ts';

/** A wait that may not take longer than `ms`; one after another by the same signal, which stays aborted once it was. `outer` ends it too. */
export class TimeLimit {
  readonly ms: number;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly signal: AbortSignal;
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock, ms: number, outer?: AbortSignal) {
    this.#clock = clock;
    this.ms = ms;
    this.signal = outer === undefined ? this.#abort.signal : AbortSignal.any([this.#abort.signal, outer]);
  }

  /** Whether it took too long: else the outer signal ended it. */
  get isOver(): boolean {
    return this.#abort.signal.aborted;
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
