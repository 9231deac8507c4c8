import type { FormerFailure, MakingJob, Step } from './picture.ts';
import { Verdicts } from './verdicts.ts';

/** What is remembered of an image beside its Jobs and the registry's answer. A restart forgets it, and begins from those. */
export class MakingMemory {
  readonly verdicts = new Verdicts();
  readonly #failures = new Map<string, Map<Step, FormerFailure>>();
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

  /** When another making was seen at work on it, which is now if `nowMs` is given; 0: never. */
  heldMs(image: string, nowMs: number | undefined): number {
    if (nowMs !== undefined) this.#held.set(image, nowMs);
    return this.#held.get(image) ?? 0;
  }

  /** How many images there are is up to clusters: what nobody has wanted for long is forgotten. */
  forget(image: string): void {
    this.verdicts.forget(image);
    this.#failures.delete(image);
    this.#held.delete(image);
  }
}
