// Run by `.ci/run` after a command that ran tests: node .ci/count.ts COMMAND RESULTS-FILE prints `PASSED FAILED`. A suite of
// `.ci/expected-suites` that was skipped, or is not there, counts as a failed test; it is named on standard error.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectedSuites, missingSuites } from './expected-suites.ts';
import type { TestResult } from './reporter.ts';

const [command = '', file = ''] = process.argv.slice(2);
const results = JSON.parse(readFileSync(file, 'utf8')) as TestResult[];
const expected = expectedSuites(readFileSync(join(import.meta.dirname, 'expected-suites'), 'utf8'), command);
const missing = missingSuites(expected, results);
for (const { title, why } of missing) console.error(`expected on CI, and ${why}: ${title}`);
const count = (state: TestResult['state']) => results.filter((result) => result.state === state).length;
console.log(`${count('passed')} ${count('failed') + missing.length}`);
