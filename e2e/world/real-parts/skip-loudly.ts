import { type RealProgram, type RealPrograms, realPrograms } from './packages.ts';

/**
 * For a `before` hook: the programs, or the end of this suite, which is then counted as skipped and says why on standard
 * error, so that nobody takes it for passed.
 */
export async function programsOrSkip(
  context: Mocha.Context,
  wanted: readonly RealProgram[],
): Promise<Extract<RealPrograms, { kind: 'there' }>> {
  const programs = await realPrograms(wanted);
  if (programs.kind === 'there') return programs;
  process.stderr.write(`SKIPPED: ${context.test?.parent?.title}: ${programs.message}\n`);
  return context.skip();
}
