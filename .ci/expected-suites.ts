import type { TestResult } from './reporter.ts';

/** Titles of the suites that `command` has to run, out of the text of `.ci/expected-suites`. */
export function expectedSuites(text: string, command: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.filter((line) => line.startsWith(`${command}: `)).map((line) => line.slice(command.length + 2).trim());
}

/** Those of them of which a test was skipped, or none was there. Failed tests count by themselves. */
export function missingSuites(
  expected: readonly string[],
  results: readonly TestResult[],
): { title: string; why: string }[] {
  return expected.flatMap((title) => {
    const tests = results.filter(({ suites }) => suites.includes(title));
    if (tests.length === 0) return [{ title, why: 'not there' }];
    const skipped = tests.filter(({ state }) => state === 'pending').length;
    return skipped === 0 ? [] : [{ title, why: `${skipped} of its ${tests.length} tests skipped` }];
  });
}
