import { sleep } from '../../shared/core/clock.ts';
import { seeded } from './seeded.ts';
import { cluster } from './story.ts';
import { type Trouble, tellStories } from './trouble.ts';

const writeVerbs = ['create', 'update', 'patch', 'delete'] as const;
/** A step takes 10 to 40 s of the world's time. */
const killedWithinMs = 15_000;

/** In each step both programs die at moments of their own, and start again at once. */
function killed(seed: number): Trouble {
  const random = seeded(seed);
  return {
    name: `the programs are killed at some moment of each step (seed ${seed})`,
    async disturb(stage) {
      const kill = async (program: typeof stage.hub) => {
        await sleep(stage.clock, random() * killedWithinMs);
        await program.kill();
        await program.start();
      };
      await Promise.all([stage.hub, stage.spokeProgram(cluster)].map(kill));
    },
  };
}

tellStories('the main job, when connections and programs fail,', [
  { name: 'each fifth request breaks before it is performed', rules: [{ fault: { type: 'drop' }, every: 5 }] },
  {
    name: 'each third change is performed and its answer lost',
    rules: [{ fault: { type: 'drop', performed: true }, verbs: writeVerbs, every: 3 }],
  },
  {
    name: 'the servers are away for 20 seconds of each step',
    rules: [{ fault: { type: 'drop' } }],
    lastsMs: 20_000,
  },
  {
    name: 'the connections are half open for 20 seconds of each step',
    rules: [{ fault: { type: 'half-open' } }],
    lastsMs: 20_000,
  },
  {
    name: 'two changes of each step are never answered, and each second request takes a second longer',
    rules: [
      { fault: { type: 'half-open', forgotten: true }, verbs: writeVerbs, count: 2 },
      { fault: { type: 'delay', delayMs: 1_000 }, every: 2 },
    ],
    lastsMs: 10_000,
  },
  killed(1),
  killed(2),
]);
