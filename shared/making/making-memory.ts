import { foreignAgainMs } from './foreign-job.ts';
import { type FormerFailure, type MakingJob, type MakingPicture, neverMs, type Step } from './picture.ts';
import { Verdicts } from './verdicts.ts';

/**
 * What is remembered of an image beside its Jobs and the registry's answer. A restart forgets it, and begins from those.
 * Times are `Clock.passed()`.
 */
export class MakingMemory {
  readonly verdicts = new Verdicts();
  readonly #failures = new Map<string, Map<Step, FormerFailure>>();
  readonly #foreign = new Map<string, { message: string; times: number; untilMs: number }>();
  readonly #held = new Map<string, number>();

  failures(image: string): ReadonlyMap<Step, FormerFailure> {
    return this.#failures.get(image) ?? new Map();
  }

  /** A failed Job goes: how often that was, when, and why, stays. */
  noteFailure(image: string, { step, hash, attempt, result }: MakingJob, nowMs: number): void {
    const failures = this.#failures.get(image) ?? new Map<Step, FormerFailure>();
    const { atMs = nowMs, message = '' } = result ?? {};
    this.#failures.set(image, failures.set(step, { hash, attempt, atMs, message }));
  }

  foreign(image: string): MakingPicture['foreign'] {
    return this.#foreign.get(image);
  }

  /** Somebody else has a name that is needed. */
  noteForeign(image: string, message: string, nowMs: number): void {
    const times = (this.#foreign.get(image)?.times ?? 0) + 1;
    this.#foreign.set(image, { message, times, untilMs: nowMs + foreignAgainMs(times) });
  }

  /** What needed a name has it. */
  forgetForeign(image: string): void {
    this.#foreign.delete(image);
  }

  /** When another making was seen at work on it, which is now if `nowMs` is given; or `neverMs`. */
  heldMs(image: string, nowMs: number | undefined): number {
    if (nowMs !== undefined) this.#held.set(image, nowMs);
    return this.#held.get(image) ?? neverMs;
  }

  /** How many images there are is up to clusters: what nobody has wanted for long is forgotten. */
  forget(image: string): void {
    this.verdicts.forget(image);
    this.#failures.delete(image);
    this.#foreign.delete(image);
    this.#held.delete(image);
  }
}
