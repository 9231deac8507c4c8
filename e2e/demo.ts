// What `npm start` runs: see README.md. Exit code 0 when everything was as it should be, 1 when not, 2 for wrong arguments, 130 for Ctrl-C before the end.
import { systemClock } from '../shared/core/clock.ts';
import { errorMessage } from '../shared/core/errors.ts';
import { builderFacts, chooseBuilder } from './demo/builder-choice.ts';
import { type DemoOptions, readOptions, usage } from './demo/options.ts';
import { progressOn } from './demo/progress.ts';
import { openStage } from './demo/stage.ts';
import { tellStory } from './demo/story.ts';

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`${options}\n\n${usage}`);
  process.exit(2);
}
if (options.help) {
  console.log(usage);
  process.exit(0);
}

const words: Readonly<Record<number, string>> = { 0: 'Done', 130: 'Interrupted' };
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
});
// The clock's timers keep no process alive; this one does, until the exit below.
const keptAlive = new MessageChannel().port1;
keptAlive.on('message', () => undefined);
process.exit(await run(options));

async function run({ keep, standIn }: DemoOptions): Promise<number> {
  const progress = progressOn(process.stdout, systemClock);
  const beganMs = systemClock.now();
  const stage = await openStage(progress, { builder: chooseBuilder(builderFacts(standIn)) });
  let code = 0;
  const broken = stage.actors.map(({ program }) => program.alive);
  try {
    const told = tellStory({ stage, progress, keep }).then(() => true);
    const isTold = await Promise.race([told, ...broken, interrupted.then(() => false)]);
    if (isTold && keep) await Promise.race([...broken, interrupted]);
    // As a shell counts what Ctrl-C has ended: not to the end is not as it should be.
    if (!isTold) code = 130;
  } catch (error) {
    progress.print(`\nNot as it should be: ${errorMessage(error)}`);
    code = 1;
  }
  const stopped = await stage.close();
  if (stopped !== undefined) {
    progress.print(`\nNot as it should be: ${stopped}`);
    code = 1;
  }
  progress.print(`\n${words[code] ?? 'Failed'} after ${((systemClock.now() - beganMs) / 1000).toFixed(0)} s.`);
  return code;
}
