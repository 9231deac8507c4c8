import { sleep } from '../../shared/core/clock.ts';
import { clusters } from './cast.ts';
import { seeded } from './seeded.ts';
import type { Trouble } from './trouble.ts';

const writeVerbs = ['create', 'update', 'patch', 'delete'] as const;
/** A step takes 10 to 40 s of the world's time. */
const killedWithinMs = 15_000;

/** In each step all programs die at moments of their own, and start again at once. */
function killed(seed: number, options: Pick<Trouble, 'withOutage'> = {}): Trouble {
  const random = seeded(seed);
  return {
    ...options,
    name: `the programs are killed at some moment of each step (seed ${seed})`,
    async disturb(stage) {
      const kill = async (program: typeof stage.hub) => {
        await sleep(stage.clock, random() * killedWithinMs);
        await program.kill();
        await program.start();
      };
      await Promise.all([stage.hub, ...clusters.map(stage.spokeProgram)].map(kill));
    },
  };
}

/** In each step, what the watches of these kinds say comes 15 s later than what those of the others say. */
function late(hubs: string, spokes: string, options: Pick<Trouble, 'withOutage'> = {}): Trouble {
  return {
    ...options,
    name: `the hub hears of its ${hubs}, and the spoke of its ${spokes}, later than of all else`,
    rules: [{ fault: { type: 'hold-events' }, resources: [hubs, spokes] }],
    lastsMs: 15_000,
  };
}

/** Connections and programs fail. */
export const interruptions: readonly Trouble[] = [
  {
    name: 'each fifth request breaks before it is performed',
    rules: [{ fault: { type: 'drop' }, every: 5 }],
    withOutage: true,
  },
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
  killed(1, { withOutage: true }),
  killed(2),
];

/** Servers answer what one does not like to hear. */
export const answers: readonly Trouble[] = [
  {
    name: 'each third change conflicts',
    rules: [{ fault: { type: 'refuse', code: 409 }, verbs: ['update', 'patch'], every: 3 }],
  },
  {
    name: 'watches break and are told thrice that their version is too old',
    rules: [{ fault: { type: 'refuse', code: 410 }, verbs: ['watch'], count: 3 }],
    lastsMs: 5_000,
  },
  {
    name: 'each fifth request is one too many, with two seconds to wait',
    rules: [{ fault: { type: 'refuse', code: 429, retryAfterSeconds: 2 }, every: 5 }],
  },
  {
    name: 'each fifth request meets an internal error',
    rules: [{ fault: { type: 'refuse', code: 500 }, every: 5 }],
    withOutage: true,
  },
  late('managedclustermodules', 'modules'),
  late('manifestworks', 'daemonsets'),
  late('managedclusters', 'nodes', { withOutage: true }),
  late('controllerrevisions', 'pods'),
];
