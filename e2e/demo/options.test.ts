import assert from 'node:assert/strict';
import { readOptions } from './options.ts';

describe('the options of the demo', () => {
  const none = { keep: false, standIn: false, help: false };
  for (const [given, expected] of [
    [[], none],
    [['--keep'], { ...none, keep: true }],
    [['--stand-in', '--help'], { ...none, standIn: true, help: true }],
  ] as const)
    it(`are read: npm start -- ${given.join(' ')}`, () => assert.deepEqual(readOptions(given), expected));

  for (const [given, expected] of [
    [['--nonsense'], /--nonsense/],
    [['keep'], /keep/],
    [['--keep=1'], /--keep/],
    [['-k'], /-k/],
  ] as const)
    it(`are refused with their name: ${given.join(' ')}`, () => {
      const refused = readOptions(given);
      assert.ok(typeof refused === 'string', JSON.stringify(refused));
      assert.match(refused, expected);
    });
});
