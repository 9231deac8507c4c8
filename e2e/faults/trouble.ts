import assert from 'node:assert/strict';
import { sleep } from '../../shared/core/clock.ts';
import type { Stage } from '../journeys/stage.ts';
import type { FaultRule, Injection } from '../world/api-server/faults/faults.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { embeddedServer } from '../world/fleet/plane.ts';
import { type Account, cluster, type Disturbance, play, startStoryStage } from './story.ts';

/** What happens to both programs, and to nobody else of the world. */
export interface Trouble {
  /** Ends the sentence `ends the same when …`. */
  readonly name: string;
  /** Faults of the hub's server for the hub, and of the spoke's server for the spoke. */
  readonly rules?: readonly FaultRule[];
  /** The rules are added at the beginning of each step and removed so much later; without, they stay for the whole story. */
  readonly lastsMs?: number;
  /** Anything else, in each step. */
  readonly disturb?: Disturbance;
}

/** Writes in trouble, as a multiple of those without. */
const writesFactorMax = 2;
/** A story takes 10 s, and more on a machine that does much else. */
const timeoutMs = 120_000;

/** Tells the story once undisturbed, then in each trouble, and compares. */
export function tellStories(title: string, troubles: readonly Trouble[]): void {
  describe(title, function () {
    this.timeout(timeoutMs);
    let stage: Stage;
    let undisturbed: Account;
    before(async () => {
      stage = await startStoryStage();
      undisturbed = await play(stage);
    });
    after(() => stage.stop());

    for (const trouble of troubles) {
      it(`ends the same when ${trouble.name}`, async () => {
        assertAlike(await playIn(stage, trouble, undisturbed), undisturbed);
      });
    }
  });
}

/**
 * The kernels did the same in the same order: nothing was unloaded that should stay. And the trouble cost at most as
 * many writes again. (That all looked the same after each step, `play` has waited for.)
 */
function assertAlike(disturbed: Account, undisturbed: Account): void {
  assert.deepEqual(disturbed.kernels, undisturbed.kernels);
  for (const program of ['hub', 'spoke'] as const) {
    const [writes, most] = [disturbed.writes[program], writesFactorMax * undisturbed.writes[program]];
    assert.ok(writes <= most, `expected at most ${most} writes of the ${program}, got ${writes}`);
  }
}

async function playIn(stage: Stage, trouble: Trouble, like: Account): Promise<Account> {
  const { rules = [], lastsMs } = trouble;
  const inject = () => rules.flatMap((rule) => injectBoth(stage, rule));
  const disturb: Disturbance = async (...at) => {
    const injections = lastsMs === undefined ? [] : inject();
    await Promise.all([sleep(stage.clock, lastsMs ?? 0), trouble.disturb?.(...at)]);
    removeAll(injections);
  };
  const throughout = lastsMs === undefined ? inject() : [];
  const account = await play(stage, { disturb, like });
  removeAll(throughout);
  return account;
}

function injectBoth({ fleet }: Stage, rule: FaultRule): Injection[] {
  return [
    embeddedServer(fleet.hub).faults.add({ ...rule, user: programUsers.hub }),
    embeddedServer(fleet.spoke(cluster).plane).faults.add({ ...rule, user: programUsers.spoke }),
  ];
}

function removeAll(injections: readonly Injection[]): void {
  for (const injection of injections) injection.remove();
}
