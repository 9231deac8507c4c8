import { isDeepStrictEqual } from 'node:util';
import type { ImageState } from '../images/look-up.ts';
import { makingReasons } from './making-reasons.ts';

/** What was decided last of each image, by what it has to hold (`expectationOf`). */
export class MakingStates {
  readonly #states = new Map<string, ReadonlyMap<string, ImageState>>();
  readonly #queued = new Set<string>();

  get(image: string, expectation: string): ImageState | undefined {
    return this.#states.get(image)?.get(expectation);
  }

  /** Gives the expectations whose state is another one now. */
  replace(image: string, states: ReadonlyMap<string, ImageState>): string[] {
    const before = this.#states.get(image);
    this.#states.set(image, states);
    const isQueued = [...states.values()].some((state) => 'reason' in state && state.reason === makingReasons.queued);
    if (isQueued) this.#queued.add(image);
    else this.#queued.delete(image);
    return [...states.keys()].filter((each) => !isDeepStrictEqual(before?.get(each), states.get(each)));
  }

  forget(image: string): void {
    this.#states.delete(image);
    this.#queued.delete(image);
  }

  /** The images that wait for a place: each of them is to be looked at when there may be one. */
  takeQueued(): string[] {
    const waiting = [...this.#queued];
    this.#queued.clear();
    return waiting;
  }
}
