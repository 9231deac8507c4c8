import type { Clock } from '../../shared/core/clock.ts';
import { isRefusal } from '../../shared/kube/errors.ts';

/** A server may do what it was asked for so long after nobody waits for its answer any more. */
const doubtMs = 60_000;

/**
 * Modules of which works are being written. A write may wait for its turn (429, the ceiling of writes) long after it was
 * decided, and one that was not answered may be done later; so may what another process asked for before this one led.
 */
export class UnderWay {
  #counts = new Map<string, number>();
  #doubtfulUntilMs = new Map<string, number>();
  #clock: Pick<Clock, 'passed'>;
  #beganMs: number;

  constructor(clock: Pick<Clock, 'passed'>) {
    this.#clock = clock;
    this.#beganMs = this.#clock.passed();
  }

  async during<T>(module: string, write: () => Promise<T>): Promise<T> {
    this.#add(module, 1);
    try {
      return await write();
    } catch (error) {
      if (!isRefusal(error)) this.#doubtfulUntilMs.set(module, this.#clock.passed() + doubtMs);
      throw error;
    } finally {
      this.#add(module, -1);
    }
  }

  has(module: string): boolean {
    const untilMs = Math.max(this.#doubtfulUntilMs.get(module) ?? 0, this.#beganMs + doubtMs);
    if (this.#counts.has(module) || this.#clock.passed() < untilMs) return true;
    this.#doubtfulUntilMs.delete(module);
    return false;
  }

  #add(module: string, more: number): void {
    const count = (this.#counts.get(module) ?? 0) + more;
    if (count === 0) this.#counts.delete(module);
    else this.#counts.set(module, count);
  }
}
