import { type DebianProgram, type DebianPrograms, debianPrograms, PartsMissing } from './programs.ts';

/**
 * For a `before` hook: what `find` gives, or, where it throws `PartsMissing`, the end of this suite, which is then counted as
 * skipped and says why on standard error, so that nobody takes it for passed.
 */
export async function orSkip<T>(context: Mocha.Context, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof PartsMissing)) throw error;
    process.stderr.write(`SKIPPED: ${context.test?.parent?.title}: ${error.message}\n`);
    return context.skip();
  }
}

export function programsOrSkip(
  context: Mocha.Context,
  wanted: readonly DebianProgram[],
): Promise<Extract<DebianPrograms, { kind: 'there' }>> {
  return orSkip(context, () => programsOrThrow(wanted));
}

/** Throws `PartsMissing`. */
export async function programsOrThrow(
  wanted: readonly DebianProgram[],
): Promise<Extract<DebianPrograms, { kind: 'there' }>> {
  const programs = await debianPrograms(wanted);
  if (programs.kind === 'missing') throw new PartsMissing(programs.message);
  return programs;
}
