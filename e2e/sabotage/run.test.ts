import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { colourOf, whileBroken } from './run.ts';

describe('a saboteur', () => {
  let folder: string;
  const breakage = { file: 'product.mjs', find: 'answer = 42', replace: 'answer = 41' };
  const product = 'export const answer = 42;\n';
  const test = `import assert from 'node:assert/strict';
const { answer } = await import(new URL('product.mjs', import.meta.url).href);
describe('the product', () => {
  it('knows the answer [1]', () => assert.equal(answer, 42));
  it('is there', () => assert.ok(answer));
});
`;
  const colour = async (title: string) => (await colourOf(folder, 'product.test.mjs', title)).colour;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kmm-saboteur-'));
    writeFileSync(join(folder, 'product.mjs'), product);
    writeFileSync(join(folder, 'product.test.mjs'), test);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('sees the named tests alone turn red while the product is broken, and leaves it whole', async () => {
    assert.equal(await colour('[1]'), 'green');
    assert.equal(await whileBroken(folder, breakage, () => colour('[1]')), 'red');
    assert.equal(await whileBroken(folder, breakage, () => colour('is there')), 'green');
    assert.equal(readFileSync(join(folder, 'product.mjs'), 'utf8'), product);
  });

  it('takes neither a title that no test has nor a file that does not load for a test that is red', async () => {
    assert.equal(await colour('no such test'), 'broken');
    const nonsense = { ...breakage, replace: 'answer = (' };
    assert.equal(await whileBroken(folder, nonsense, () => colour('[1]')), 'broken');
  });

  it('does not start with a line that is not there any more', async () => {
    const gone = { ...breakage, find: 'answer = 43' };
    await assert.rejects(
      whileBroken(folder, gone, () => Promise.resolve()),
      /product\.mjs: expected "answer = 43" once, got 0/,
    );
  });
});
