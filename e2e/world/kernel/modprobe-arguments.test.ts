import assert from 'node:assert/strict';
import { joinParameters, parseModprobeArguments } from './modprobe-arguments.ts';

describe('modprobe’s arguments', () => {
  const cases = [
    {
      words: ['-v', '-d', '/opt', 'a', 'x=1'],
      expected: { verbose: true, rootFolder: '/opt', operands: ['a', 'x=1'] },
    },
    {
      words: ['-rvd', '/opt', 'a', 'b'],
      expected: { remove: true, verbose: true, rootFolder: '/opt', operands: ['a', 'b'] },
    },
    { words: ['-vd/opt', 'a'], expected: { verbose: true, rootFolder: '/opt', operands: ['a'] } },
    { words: ['-S', '6.1', 'a', '-q'], expected: { release: '6.1', quiet: true, operands: ['a'] } },
    {
      words: ['--dirname=/opt', '--set-version', '6.1', '--remove', 'a'],
      expected: { remove: true, rootFolder: '/opt', release: '6.1' },
    },
    { words: ['--first-time', '--', '-odd'], expected: { firstTime: true, operands: ['-odd'] } },
    { words: ['-a', 'a', 'b'], expected: { all: true, operands: ['a', 'b'] } },
  ];
  for (const { words, expected } of cases) {
    it(`are read from ${words.join(' ')}`, () => {
      const parsed = parseModprobeArguments(words);
      assert.deepEqual({ ...parsed, ...expected }, parsed);
    });
  }

  for (const { words, message } of [
    { words: ['-Z'], message: "invalid option -- 'Z'" },
    { words: ['-F'], message: "invalid option -- 'F'" },
    { words: ['-d'], message: "option requires an argument -- 'd'" },
    { words: ['--nonsense'], message: "unrecognized option '--nonsense'" },
  ]) {
    it(`are refused from ${words.join(' ')}`, () => {
      assert.throws(() => parseModprobeArguments(words), { message });
    });
  }

  it('of a module get quotes around a value with a space', () => {
    assert.equal(joinParameters(['a=1', 'b=x y', 'c="x y"', 'd']), 'a=1 b="x y" c="x y" d');
  });
});
