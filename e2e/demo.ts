// What `npm start` runs: see README.md. Exit code 0 when everything was as it should be, 1 when not, 2 for wrong arguments.
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
  try {
    const ended = tellStory({ stage, progress, keep, interrupted });
    await Promise.race([ended, ...stage.actors.map(({ program }) => program.alive), interrupted]);
  } catch (error) {
    progress.print(`\nNot as it should be: ${errorMessage(error)}`);
    code = 1;
  }
  const stopped = await stage.close();
  if (stopped !== undefined) {
    progress.print(`\nNot as it should be: ${stopped}`);
    code = 1;
  }
  progress.print(`\n${code === 0 ? 'Done' : 'Failed'} after ${((systemClock.now() - beganMs) / 1000).toFixed(0)} s.`);
  return code;
}
