import { errorMessage } from '../../../shared/core/errors.ts';
import { PartsMissing } from './debian.ts';
import { findParts, type Parts } from './packages.ts';

/** The parts of a machine, for a test's `before`: where they cannot be had the tests are skipped, and standard error says why. */
export async function partsOrSkip(context: Mocha.Context): Promise<Parts> {
  try {
    return await findParts();
  } catch (error) {
    if (!(error instanceof PartsMissing)) throw error;
    process.stderr.write(`vm: SKIPPED, no machine with a real kernel here: ${errorMessage(error)}\n`);
    return context.skip();
  }
}
