import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const mocha = fileURLToPath(new URL('../../node_modules/mocha/bin/mocha.js', import.meta.url));
/** A test that hangs is red too, but says less. */
const testLimitMs = 90_000;

/** Green: all that ran passed. Red: tests failed. Broken: no test ran to its end, which proves nothing of anything. */
export type Colour = 'green' | 'red' | 'broken';

/** Runs those tests of `test` (a file below `folder`) whose full title holds `title`; `says` is what mocha said. */
export async function colourOf(folder: string, test: string, title: string): Promise<{ colour: Colour; says: string }> {
  const titles = title === '' ? [] : ['--fgrep', title];
  const words = [mocha, '--no-config', '--exit', '--reporter', 'json', '--timeout', '20000', ...titles, test];
  const child = spawn(process.execPath, words, {
    cwd: folder,
    timeout: testLimitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const [out, problems] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await ended;
  const stats = statsIn(out);
  if (stats === undefined || stats.passes + stats.failures === 0)
    return { colour: 'broken', says: `${out}${problems}` };
  return { colour: stats.failures === 0 ? 'green' : 'red', says: out };
}

/** Mocha's summary; a test may have written lines of its own before it. */
function statsIn(out: string): { passes: number; failures: number } | undefined {
  const at = out.indexOf('{\n  "stats"');
  if (at < 0) return undefined;
  const { stats } = JSON.parse(out.slice(at)) as { stats: { passes: number; failures: number } };
  return stats;
}

/** Does `work` while `find` in the file is `replace`. Throws when `find` is not there exactly once. */
export async function whileBroken<T>(
  folder: string,
  { file, find, replace }: { file: string; find: string; replace: string },
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, file);
  const whole = readFileSync(path, 'utf8');
  const parts = whole.split(find);
  if (parts.length !== 2) throw new Error(`${file}: expected ${JSON.stringify(find)} once, got ${parts.length - 1}`);
  writeFileSync(path, parts.join(replace));
  try {
    return await work();
  } finally {
    writeFileSync(path, whole);
  }
}
