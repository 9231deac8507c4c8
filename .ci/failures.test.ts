import assert from 'node:assert/strict';
import { failureText } from './failures.ts';

const failed = {
  suites: ['a', 'b'],
  title: 'c',
  file: '/repo/e2e/a.test.ts',
  state: 'failed',
  milliseconds: 1,
} as const;

describe('a failed test, as CI repeats it at the end', () => {
  it('is told with its file, titles, error and our own places', () => {
    const error = `Error: got 1\nexpected 2\n    at it (file:///repo/e2e/a.test.ts:3:5)\n    at run (/repo/node_modules/mocha/x.js:1:1)`;
    assert.deepEqual(failureText({ ...failed, error }, '/repo').split('\n'), [
      'failed: e2e/a.test.ts: a > b > c',
      '  Error: got 1',
      '  expected 2',
      '      at it (e2e/a.test.ts:3:5)',
    ]);
  });

  it('is cut where its error is long, but keeps the place', () => {
    const text = failureText(
      { ...failed, error: `Error: ${'x'.repeat(9000)}\n    at it (/repo/e2e/a.test.ts:3:5)` },
      '/repo',
    );
    assert.match(text, /\[5007 more\]\n +at it \(e2e\/a\.test\.ts:3:5\)$/);
    assert.ok(text.length < 4200);
  });
});
