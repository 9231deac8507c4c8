import { assert } from '../core/assert.ts';
import { shortened } from '../core/conditions.ts';
import { canonicalJson } from '../core/hash.ts';
import type { ImageState } from '../images/look-up.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { Want } from './image-wants.ts';
import type { Verdict } from './picture.ts';
import { messageCharsMax } from './said.ts';

/** An image that could not be read is tried again so much later, doubling. */
const unknownMsFirst = 15_000;
const unknownMsMax = 600_000;

/** Looks into an image for those who want it: an answer for each, in their order. */
export type Verify = (wants: readonly Want[], digest: string) => Promise<readonly Finding[]>;

/** What a look has found for one who wants it: of the image, or on the way to it. */
export type Finding =
  | { kind: 'good'; digest: string }
  | { kind: 'bad'; reason: string; message: string }
  | { kind: 'unknown'; reason: string; message: string };

/** What an image has to hold for whom: two modules may want one image and not the same of it. */
export function expectationOf({ kernel, architecture, dirName, moduleName, sign }: ImageRecipe): string {
  const platform = architecture === undefined ? [] : [architecture];
  return canonicalJson([kernel, dirName, moduleName ?? null, sign !== undefined, ...platform]);
}

/** Whether somebody has to look. */
export function isOpen(verdict: Verdict | undefined, nowMs: number): boolean {
  return verdict === undefined || (verdict.kind === 'unknown' && verdict.untilMs <= nowMs);
}

/** What it means for one who wants the image, whose present digest this is. */
export function judged(verdict: Verdict | undefined, digest: string): ImageState {
  if (verdict === undefined) return { state: 'Checking' };
  if (verdict.kind === 'good') return { state: 'Verified', digest };
  const { reason, message } = verdict;
  if (verdict.kind === 'unknown') return { state: 'Unknown', reason: 'UnexpectedAnswer', message };
  return { state: 'Failed', reason, message: `what the registry has is no good: ${message}` };
}

interface Known {
  digest: string;
  byExpectation: Map<string, Verdict>;
  unread: number;
}

/**
 * What the images in the registry were found to be. In memory: after a restart those are looked into again that no work
 * ships yet. Of each image the present digest only.
 */
export class Verdicts {
  readonly #known = new Map<string, Known>();
  readonly #good = new Set<string>();

  of(image: string, digest: string): ReadonlyMap<string, Verdict> {
    const known = this.#known.get(image);
    return known?.digest === digest ? known.byExpectation : new Map();
  }

  wasGood(image: string): boolean {
    return this.#good.has(image);
  }

  /** What a look for all expectations that were open has found, in their order. */
  note(
    image: string,
    digest: string,
    { open, found: all, nowMs }: { open: readonly Want[]; found: readonly Finding[]; nowMs: number },
  ): void {
    const present = this.#known.get(image);
    const known =
      present?.digest === digest ? present : { digest, byExpectation: new Map<string, Verdict>(), unread: 0 };
    this.#known.set(image, known);
    for (const [index, want] of open.entries()) {
      const found = all[index];
      assert(found !== undefined, 'a look into an image answers each who wants it');
      known.unread = found.kind === 'unknown' ? known.unread + 1 : 0;
      const waitMs = Math.min(unknownMsMax, unknownMsFirst * 2 ** Math.min(known.unread - 1, 10));
      if (found.kind === 'good') this.#good.add(image);
      known.byExpectation.set(expectationOf(want.recipe), {
        kind: found.kind,
        reason: found.kind === 'good' ? '' : found.reason,
        message: found.kind === 'good' ? '' : shortened(found.message, messageCharsMax),
        untilMs: found.kind === 'unknown' ? nowMs + waitMs : 0,
      });
    }
  }

  forget(image: string): void {
    this.#known.delete(image);
    this.#good.delete(image);
  }
}
