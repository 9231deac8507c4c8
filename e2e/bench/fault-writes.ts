// `npm run bench:faults [-- mainJob|outage]`: how many write requests each step of the fault stories costs, without and with each trouble, as
// `hub+spokes`. Plays the stories of e2e/faults; each trouble must end as the undisturbed story did, else it throws.
import { sleep, systemClock } from '../../shared/core/clock.ts';
import { startStoryStage } from '../faults/cast.ts';
import { type StoryName, stories } from '../faults/steps.ts';
import { type Account, play, total, type Writes } from '../faults/story.ts';
import { playIn, type Trouble } from '../faults/trouble.ts';
import { answers, interruptions } from '../faults/troubles.ts';

// The clock's timers keep no process alive; this one does, until the exit below.
const keptAlive = new MessageChannel().port1;
keptAlive.on('message', () => undefined);

const troubles = [...interruptions, ...answers];
const [only] = process.argv.slice(2);
if (only !== undefined && !Object.hasOwn(stories, only)) {
  console.error(`expected ${Object.keys(stories).join(' or ')}, got ${only}`);
  process.exit(2);
}
for (const story of ['mainJob', 'outage'] as const) {
  if (only !== undefined && only !== story) continue;
  await tell(
    story,
    troubles.filter(({ withOutage }) => story === 'mainJob' || withOutage),
  );
}
process.exit(0);

async function tell(story: StoryName, told: readonly Trouble[]): Promise<void> {
  console.log(`\n| ${['writes, hub+spokes', ...Object.keys(stories[story]), 'all'].join(' | ')} |`);
  console.log(`|${' --- |'.repeat(Object.keys(stories[story]).length + 2)}`);
  const stage = await startStoryStage();
  // A stage that was just set up has writes of its own to finish.
  await sleep(systemClock, 1_000);
  const undisturbed = await play(stage, { story });
  print('no fault', undisturbed.writes);
  for (const trouble of told) print(trouble.name, (await playIn(stage, trouble, { story, like: undisturbed })).writes);
  await stage.stop();
}

function print(name: string, writes: Account['writes']): void {
  const cells = [...writes.values(), total(writes)].map(({ hub, spoke }: Writes) => `${hub}+${spoke}`);
  console.log(`| ${[name, ...cells].join(' | ')} |`);
}
