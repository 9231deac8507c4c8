// A mocha reporter: prints every title, or with the option `print=dot` a dot for each, and writes what became of each test into the file that KMM_TEST_RESULTS names.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** One test; `pending` is one that was skipped. */
export interface TestResult {
  /** Titles of the suites that it stands in, the outermost first. */
  readonly suites: readonly string[];
  readonly title: string;
  readonly file: string;
  readonly state: 'passed' | 'failed' | 'pending';
  readonly milliseconds: number;
  /** Of a failed one: what it threw, with the place. */
  readonly error?: string;
}

const resultsVariable = 'KMM_TEST_RESULTS';
/** `yes`: there was another run of the same command, whose results stay. */
const moreVariable = 'KMM_TEST_RESULTS_MORE';
const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

export default class ResultsReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    const printer = options.reporterOptions?.print === 'dot' ? Mocha.reporters.Dot : Mocha.reporters.Spec;
    new printer(runner, options);
    const results: TestResult[] = [];
    const note = (state: TestResult['state']) => (test: Mocha.Test | Mocha.Hook, thrown?: Error) => {
      const path = test.titlePath();
      const { file = '', duration = 0 } = test;
      results.push({
        suites: path.slice(0, -1),
        title: path.at(-1) ?? '',
        file,
        state,
        milliseconds: duration,
        ...(thrown === undefined ? {} : { error: thrown.stack ?? thrown.message }),
      });
    };
    runner.on(EVENT_TEST_PASS, note('passed'));
    runner.on(EVENT_TEST_FAIL, note('failed'));
    runner.on(EVENT_TEST_PENDING, note('pending'));
    runner.on(EVENT_RUN_END, () => {
      const file = process.env[resultsVariable];
      if (file) writeFileSync(file, JSON.stringify([...before(file), ...results]));
    });
  }
}

/** What a command that runs Mocha more than once has written already. */
function before(file: string): TestResult[] {
  // It is empty where the first of them broke.
  const text = process.env[moreVariable] === 'yes' && existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text === '' ? [] : JSON.parse(text);
}
