import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { distil } from './distil.ts';

const recordings =
  process.env['KMM_RECORDINGS'] ?? fileURLToPath(new URL('../../../../../shared/recordings', import.meta.url));

describe('the recorded scenarios', () => {
  before(function () {
    if (existsSync(recordings)) return;
    console.error(`SKIPPED: no recordings of the real work agent in ${recordings}: set KMM_RECORDINGS`);
    this.skip();
  });

  it('are what the recordings of the real agent say', () => {
    const names = readdirSync(recordings).filter((name) => name.endsWith('.jsonl'));
    assert.ok(names.length >= 4, `expected the recordings in ${recordings}`);
    for (const name of names) {
      const scenario: unknown = JSON.parse(readFileSync(join(import.meta.dirname, name.replace(/l$/, '')), 'utf8'));
      assert.deepEqual(
        scenario,
        JSON.parse(JSON.stringify(distil(readFileSync(join(recordings, name), 'utf8')))),
        name,
      );
    }
  });
});
