import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { planeVariable } from '../world/plane-choice.ts';
import { readOptions } from './options.ts';

const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });

describe('npm run e2e:conformance', () => {
  it('takes the plane and the titles that it is told', () => {
    assert.deepEqual(readOptions(['--plane', 'real', '--grep', 'lists']), {
      plane: 'real',
      grep: 'lists',
      help: false,
    });
    assert.equal((readOptions(['--plane=embedded']) as { plane: string }).plane, 'embedded');
  });

  for (const [what, args, says] of [
    ['an unknown plane', ['--plane', 'odd'], /^--plane: expected embedded or real, got "odd"\n/],
    ['an unknown option', ['--plain', 'real'], /^Unknown option '--plain'/],
    ['a plane without a name', ['--plane', ''], /^--plane: expected embedded or real, got ""\n/],
  ] as const)
    it(`says what is wrong with ${what}, and ends with 2`, () => {
      const { status, stderr } = run(...args);
      assert.equal(status, 2);
      assert.match(stderr, says);
      assert.match(stderr, /npm run e2e:conformance \[-- --plane/);
    });

  it('is told by the environment, too', () => {
    const before = process.env[planeVariable];
    process.env[planeVariable] = 'real';
    try {
      assert.equal((readOptions([]) as { plane: string }).plane, 'real');
    } finally {
      if (before === undefined) delete process.env[planeVariable];
      else process.env[planeVariable] = before;
    }
  });
});
