import assert from 'node:assert/strict';
import { sleep } from '../../shared/core/clock.ts';
import type { Stage } from '../journeys/stage.ts';
import type { FaultRule, Injection } from '../world/api-server/faults/faults.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { embeddedServer } from '../world/fleet/plane.ts';
import { bystanderModules, startStoryStage } from './cast.ts';
import type { StoryName } from './steps.ts';
import { type Account, type Disturbance, play, total } from './story.ts';

/** What happens to all programs, and to nobody else of the world. */
export interface Trouble {
  /** Ends the sentence `ends the same when …`. */
  readonly name: string;
  /** Faults of the hub's server for the hub, and of the spokes' servers for the spokes. */
  readonly rules?: readonly FaultRule[];
  /** The rules are added at the beginning of each step and removed so much later; without, they stay for the whole story. */
  readonly lastsMs?: number;
  /** Anything else, in each step. */
  readonly disturb?: Disturbance;
  /** Whether a cluster gets lost in it, too: that story is told besides. */
  readonly withOutage?: boolean;
}

/** Writes in trouble, as a multiple of those without. */
export const writesFactorMax = 2;
/** A story takes 10 s, and more on a machine that does much else. */
const timeoutMs = 300_000;

const sentences: Record<StoryName, string> = {
  mainJob: 'ends the same when',
  outage: 'and a cluster that gets lost and comes back: ends the same when',
};

/** Tells the stories once undisturbed, then in each trouble, and compares. */
export function tellStories(title: string, troubles: readonly Trouble[]): void {
  describe(title, function () {
    this.timeout(timeoutMs);
    let stage: Stage;
    before(async () => {
      stage = await startStoryStage();
    });
    after(() => stage.stop());

    for (const story of ['mainJob', 'outage'] as const) {
      let undisturbed: Account;
      it(`${sentences[story]} nothing is wrong`, async () => {
        undisturbed = await play(stage, { story });
        assertBystander(undisturbed);
      });
      for (const trouble of troubles.filter(({ withOutage }) => story === 'mainJob' || withOutage)) {
        it(`${sentences[story]} ${trouble.name}`, async () => {
          assertAlike(await playIn(stage, trouble, { story, like: undisturbed }), undisturbed);
        });
      }
    }
  });
}

/** The module that nobody touches is never taken out of a kernel: it is only loaded again when a node comes up. */
function assertBystander({ kernels }: Account): void {
  for (const [where, calls] of Object.entries(kernels)) {
    if (!bystanderModules.some((name) => where.startsWith(`${name} `))) continue;
    assert.deepEqual(
      calls.filter((call) => !call.startsWith('insert')),
      [],
      where,
    );
  }
}

/**
 * The kernels did the same in the same order: nothing was unloaded that should stay. And the trouble cost at most as
 * many writes again. (That all looked the same after each step, `play` has waited for.)
 */
function assertAlike(disturbed: Account, undisturbed: Account): void {
  assertBystander(disturbed);
  assert.deepEqual(disturbed.kernels, undisturbed.kernels);
  for (const program of ['hub', 'spoke'] as const) {
    const [writes, most] = [total(disturbed.writes)[program], writesFactorMax * total(undisturbed.writes)[program]];
    assert.ok(writes <= most, `expected at most ${most} writes of the ${program}, got ${writes}`);
  }
}

/** The story in trouble; each step ends when all looks as in `like`. */
export async function playIn(
  stage: Stage,
  trouble: Trouble,
  { story, like }: { story: StoryName; like: Account },
): Promise<Account> {
  const { rules = [], lastsMs } = trouble;
  const inject = () => rules.flatMap((rule) => injectEverywhere(stage, rule));
  const disturb: Disturbance = async (...at) => {
    const injections = lastsMs === undefined ? [] : inject();
    await Promise.all([sleep(stage.clock, lastsMs ?? 0), trouble.disturb?.(...at)]);
    removeAll(injections);
  };
  const throughout = lastsMs === undefined ? inject() : [];
  try {
    return await play(stage, { story, disturb, like });
  } finally {
    removeAll(throughout);
  }
}

function injectEverywhere({ fleet }: Stage, rule: FaultRule): Injection[] {
  return [
    embeddedServer(fleet.hub).faults.add({ ...rule, user: programUsers.hub }),
    ...fleet.spokes.map(({ plane }) => embeddedServer(plane).faults.add({ ...rule, user: programUsers.spoke })),
  ];
}

function removeAll(injections: readonly Injection[]): void {
  for (const injection of injections) injection.remove();
}
