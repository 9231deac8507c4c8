import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { breakages } from './breakages.ts';

const textOf = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

describe('the list of breakages', () => {
  it('has at least twenty, each with a reason of its own', () => {
    assert.ok(breakages.length >= 20);
    assert.equal(new Set(breakages.map(({ why }) => why)).size, breakages.length);
  });

  for (const { why, file, find, replace, test, title } of breakages) {
    it(`can still be made: ${why}`, () => {
      assert.equal(textOf(file).split(find).length - 1, 1, `${file}: expected ${JSON.stringify(find)} once`);
      assert.notEqual(find, replace);
      assert.equal(find.includes('\n'), false);
      assert.ok(textOf(test).includes(title), `${test}: expected a title with ${JSON.stringify(title)}`);
    });
  }
});
