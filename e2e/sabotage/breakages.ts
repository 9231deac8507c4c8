import { cliBreakages } from './of-cli.ts';
import { hubBreakages } from './of-hub.ts';
import { makingBreakages } from './of-making-images.ts';
import { rolloutBreakages } from './of-rollouts.ts';
import { sharedBreakages } from './of-shared.ts';
import { signingBreakages } from './of-signing.ts';
import { spokeBreakages } from './of-spoke.ts';
import { spokeImageBreakages } from './of-spoke-images.ts';

/** A mistake of one line that somebody could make in the product, and the test that must not let it through. */
export interface Breakage {
  /** What would be broken, as a person who meets it would say it. */
  readonly why: string;
  readonly file: string;
  /** Stands in the file exactly once, within one line. */
  readonly find: string;
  readonly replace: string;
  /** The test file that must go red, and a part of the titles in it that may do so (mocha's `--grep`, taken literally). */
  readonly test: string;
  readonly title: string;
}

export const breakages: readonly Breakage[] = [
  ...hubBreakages,
  ...rolloutBreakages,
  ...cliBreakages,
  ...spokeBreakages,
  ...spokeImageBreakages,
  ...sharedBreakages,
  ...signingBreakages,
  ...makingBreakages,
];
