import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { sleep } from '../../shared/core/clock.ts';
import { kernels, type Stage } from '../journeys/stage.ts';
import { eventually } from '../world/eventually.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { embeddedServer } from '../world/fleet/plane.ts';
import { bystander, bystanderIsThere, bystanderModules, clusters, module, nodeNames, reboot } from './cast.ts';
import { lookAt, type Sight } from './sight.ts';
import { type Scene, type Step, type StoryName, stories } from './steps.ts';

/** Write requests of each program (of all spokes together), those that were refused or lost included. */
export interface Writes {
  readonly hub: number;
  readonly spoke: number;
}

/** What a story was, as it is compared with the undisturbed one. */
export interface Account {
  /** What was to be seen at the end of each step. */
  readonly sights: ReadonlyMap<Step, Sight>;
  /** What each node's kernel was asked and did, in order, by kernel module. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  readonly writes: ReadonlyMap<Step, Writes>;
}

/** Goes wrong while a step is under way: begins before it and resolves when it is over. */
export type Disturbance = (stage: Stage, step: Step) => Promise<void>;

/** Where something is to be seen: the module first, where it changes most. */
const places = clusters.flatMap((name) => [module, bystander].map((each) => [each, name] as const));
/** In the world's time. */
const lookAgainMs = 1_000;
/** All is over when nothing has changed for so long, in the world's time. */
const quietMs = 6_000;

/** Plays a story; with an account to compare with, each step ends when all looks as it did there. */
export async function play(
  stage: Stage,
  options: { story: StoryName; disturb?: Disturbance; like?: Account },
): Promise<Account> {
  const { story, disturb, like } = options;
  const sights = new Map<Step, Sight>();
  const writes = new Map<Step, Writes>();
  const recorder = recordKernels(stage);
  for (const [step, { act, done }] of Object.entries(stories[story]) as [Step, Scene][]) {
    clearRequests(stage);
    const disturbed = disturb?.(stage, step);
    await act(stage);
    await disturbed;
    await eventually(`${step} is done`, () => done(stage));
    sights.set(step, await settled(stage, step, like?.sights.get(step)));
    writes.set(step, countWrites(stage));
  }
  const account = { sights, kernels: recorder(), writes };
  // The node has its first kernel again, whatever it ran last.
  if ('reboot' in stories[story]) await reboot(stage, kernels.el9);
  await bystanderIsThere(stage);
  return account;
}

/** All steps together. */
export function total(writes: Account['writes']): Writes {
  const sum = (program: keyof Writes) => [...writes.values()].reduce((all, each) => all + each[program], 0);
  return { hub: sum('hub'), spoke: sum('spoke') };
}

async function settled(stage: Stage, step: Step, expected: Sight | undefined): Promise<Sight> {
  if (expected !== undefined) {
    return eventually(`after ${step} all looks as without the fault`, () => lookAlike(stage, expected));
  }
  // What follows the end of a step by itself, as a count in a status, takes the agents' poll and less; more on a busy machine.
  let seen = await lookAround(stage);
  for (;;) {
    await sleep(stage.clock, quietMs);
    const next = await lookAround(stage);
    if (isDeepStrictEqual(next, seen)) return seen;
    seen = next;
  }
}

/** One place after the other: while the first still differs, the others are not asked for. */
async function lookAlike(stage: Stage, expected: Sight): Promise<Sight> {
  for (const [each, name] of places) {
    const seen = await lookAt(stage, each, name);
    if (isDeepStrictEqual(seen, expected[`${each} ${name}`])) continue;
    // Looking is work, too, in the process that all programs of the story run in.
    await sleep(stage.clock, lookAgainMs);
    assert.deepEqual(seen, expected[`${each} ${name}`], `${each} on ${name}`);
  }
  return expected;
}

async function lookAround(stage: Stage): Promise<Sight> {
  const seen = await Promise.all(
    places.map(async ([each, name]) => [`${each} ${name}`, await lookAt(stage, each, name)]),
  );
  return Object.fromEntries(seen);
}

/** Gives, when it is called, what happened to each kernel since. */
function recordKernels({ fleet }: Stage): () => Account['kernels'] {
  const watched = clusters.flatMap((name) => nodeNames[name].map((node) => fleet.spoke(name).node(node)));
  const before = watched.map(({ kernel }) => kernel.history.length);
  return () =>
    Object.fromEntries(
      watched.flatMap(({ name: node, kernel }, index) =>
        [module, ...bystanderModules].map((each) => {
          const own = kernel.history.slice(before[index]).filter(({ name }) => name === each);
          return [
            `${each} ${node}`,
            own.map(({ call, parameters, errno }) => [call, parameters, errno].join(' ').trim()),
          ];
        }),
      ),
    );
}

function serversOf({ fleet }: Stage) {
  return { hub: [embeddedServer(fleet.hub)], spoke: fleet.spokes.map(({ plane }) => embeddedServer(plane)) };
}

function clearRequests(stage: Stage): void {
  const { hub, spoke } = serversOf(stage);
  for (const { requests } of [...hub, ...spoke]) requests.clear();
}

function countWrites(stage: Stage): Writes {
  const servers = serversOf(stage);
  const count = (program: keyof Writes) =>
    servers[program].reduce((sum, { requests }) => sum + requests.writes({ user: programUsers[program] }).length, 0);
  return { hub: count('hub'), spoke: count('spoke') };
}
