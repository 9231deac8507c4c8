// Run by `.ci/run` after a command that ran tests: node .ci/count.ts COMMAND RESULTS-FILE prints `PASSED FAILED`. A suite of
// `.ci/expected-suites` that was skipped, or is not there, counts as a failed test. Standard error names all that failed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectedSuites, missingSuites } from './expected-suites.ts';
import { failureText } from './failures.ts';
import type { TestResult } from './reporter.ts';

const [command = '', file = ''] = process.argv.slice(2);
const results = JSON.parse(readFileSync(file, 'utf8')) as TestResult[];
const expected = expectedSuites(readFileSync(join(import.meta.dirname, 'expected-suites'), 'utf8'), command);
const missing = missingSuites(expected, results);
const failed = results.filter(({ state }) => state === 'failed');
for (const result of failed) console.error(failureText(result, process.cwd()));
for (const { title, why } of missing) console.error(`expected on CI, and ${why}: ${title}`);
const passed = results.filter(({ state }) => state === 'passed');
console.log(`${passed.length} ${failed.length + missing.length}`);
