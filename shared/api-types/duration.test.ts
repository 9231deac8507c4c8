import assert from 'node:assert/strict';
import { durationMs } from './duration.ts';

describe('durationMs', () => {
  const durations: [unknown, number | undefined][] = [
    ['0', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['2h', 7_200_000],
    ['None', undefined],
    ['', undefined],
    ['5', undefined],
    ['1d', undefined],
    ['1m ', undefined],
    ['-1m', undefined],
    [0, undefined],
    [['5m'], undefined],
    [null, undefined],
  ];
  for (const [text, wanted] of durations) {
    it(`reads ${JSON.stringify(text)} as ${wanted} ms`, () => assert.equal(durationMs(text), wanted));
  }
});
