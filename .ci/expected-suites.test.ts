import assert from 'node:assert/strict';
import { expectedSuites, missingSuites } from './expected-suites.ts';
import type { TestResult } from './reporter.ts';

const result = (suite: string, state: TestResult['state']): TestResult => ({
  suites: [suite, 'inner'],
  title: 't',
  file: 'f',
  state,
  milliseconds: 1,
});

describe('the suites that must run on CI', () => {
  it('are those of the command', () => {
    const text = '# npm test: no\n\nnpm test: one: with a colon\nnpm run e2e: two\n';
    assert.deepEqual(expectedSuites(text, 'npm test'), ['one: with a colon']);
    assert.deepEqual(expectedSuites(text, 'npm run e2e'), ['two']);
  });

  it('are missed when they were skipped, or are not there', () => {
    const results = [
      result('ran', 'passed'),
      result('broke', 'failed'),
      result('half', 'passed'),
      result('half', 'pending'),
    ];
    assert.deepEqual(missingSuites(['ran', 'broke', 'half', 'gone'], results), [
      { title: 'half', why: '1 of its 2 tests skipped' },
      { title: 'gone', why: 'not there' },
    ]);
  });
});
