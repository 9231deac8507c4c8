// `npm run sabotage [-- TEXT]`: breaks the product by one line at a time and asks whether the test notices that ought to. TEXT chooses
// the breakages whose file or reason holds it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../shared/core/clock.ts';
import { errorMessage } from '../../shared/core/errors.ts';
import { type Breakage, breakages } from './breakages.ts';
import { copyTree } from './copy.ts';
import { colourOf, whileBroken } from './run.ts';

/** Each has a copy of the tree of its own; the machine is thought to have two cores. */
const saboteurs = 2;
const verdicts = { red: 'noticed', green: 'UNNOTICED', broken: 'NO TEST RAN' } as const;

const began = systemClock.now();
const lines: string[] = [];
let noticed = 0;

/** A test that is red without the breakage proves nothing. */
async function verdictOn(breakage: Breakage, folder: string): Promise<string> {
  const ask = () => colourOf(folder, breakage.test, breakage.title);
  const whole = await ask();
  if (whole.colour !== 'green') return `${whole.colour === 'red' ? 'RED ALREADY' : 'NO TEST RAN'}\n${whole.says}`;
  const broken = await whileBroken(folder, breakage, ask);
  return broken.colour === 'broken' ? `${verdicts.broken}\n${broken.says}` : verdicts[broken.colour];
}

async function work(queue: Breakage[], folder: string): Promise<void> {
  copyTree(folder);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const breakage = next;
    const startedMs = systemClock.now();
    const verdict = await verdictOn(breakage, folder).catch((error: unknown) => String(error));
    if (verdict === verdicts.red) noticed += 1;
    const seconds = ((systemClock.now() - startedMs) / 1000).toFixed(1);
    const [first = '', ...rest] = verdict.split('\n');
    lines.push(`${first.padEnd(12)} ${seconds.padStart(5)} s  ${breakage.file}: ${breakage.why}`);
    console.log(lines.at(-1));
    if (rest.length > 0) console.log(rest.slice(0, 20).join('\n'));
  }
}

const chosen = chosenBreakages();
const queue = [...chosen];
const folders = Array.from({ length: Math.min(saboteurs, chosen.length) }, () =>
  mkdtempSync(join(tmpdir(), 'kmm-sabotage-')),
);
try {
  await Promise.all(folders.map((folder) => work(queue, folder)));
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
const seconds = Math.round((systemClock.now() - began) / 1000);
console.log(`\nsabotage: ${noticed} of ${chosen.length} breakages noticed, in ${seconds} s`);
process.exit(noticed === chosen.length ? 0 : 1);

/** Ends the process with usage and exit code 2 where the arguments choose none. */
function chosenBreakages(): readonly Breakage[] {
  try {
    const { positionals } = parseArgs({ allowPositionals: true });
    const [text = ''] = positionals;
    if (positionals.length > 1) throw new Error(`expected one TEXT at most, got ${positionals.join(' ')}`);
    const found = breakages.filter(({ file, why }) => `${file}: ${why}`.includes(text));
    if (found.length === 0) throw new Error(`expected a part of a file's path or of a reason, got ${text}`);
    return found;
  } catch (error) {
    console.error(`sabotage: ${errorMessage(error)}\n\nnpm run sabotage [-- TEXT]`);
    process.exit(2);
  }
}
