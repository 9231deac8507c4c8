import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../../shared/core/hash.ts';
import { eventually } from '../../eventually.ts';
import { startWorkAgent } from '../work-agent.ts';
import type { Scenario } from './scenario.ts';
import { type Stage, startStage } from './stage.ts';

/** Of the recordings: SHA-256 of the hub's URL there. */
const hubHash = 'd40a9dd7d8dc06954bde67491e6f5eeaad5d546a76a7d541cf0298e74316c824';

const scenarios = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, scenario: JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as Scenario }));

/**
 * The acts of each recording are done again to the stand-in. What is seen after each act must end as it did there, part
 * by part, and pass through no state on the way that the real agent did not pass through in that order.
 */
describe('the stand-in of the work agent does what the real one was recorded to do', () => {
  let stage: Stage | undefined;
  let agent: { stopped: Promise<void> } | undefined;

  afterEach(async () => {
    await stage?.stop();
    await agent?.stopped;
  });

  for (const { name, scenario } of scenarios) {
    const proves = name.startsWith('01') ? ' [152]' : '';
    it(`${name}: ${scenario.scenario}${proves}`, async () => {
      stage = await startStage();
      if (scenario.hasNamespace) await stage.perform({ kind: 'createNamespace' });
      const { hubClient, spokeClient, runtime, signal, log } = stage;
      agent = startWorkAgent({
        hubClient,
        spokeClient,
        clusterName: 'cluster1',
        hubHash,
        agentId: 'a1',
        runtime,
        signal,
        statusSyncMs: 10_000,
        // Recorded acts are seconds apart; a slow machine must not bring the resync of minutes among them.
        resyncMs: 24 * 3_600_000,
      });
      for (const step of scenario.steps) {
        log.beginStep();
        for (const action of step.do) await stage.perform(action);
        await eventually(`after "${step.act}": ${JSON.stringify(ends(step.seen), null, 1)}`, () => {
          assert.deepEqual(ends(log.seen()), ends(step.seen));
          return true;
        });
        // Where nothing was seen to answer the act, time must show that nothing does.
        if (!Object.keys(step.seen).some((facet) => facet.includes(' work'))) await stage.pass(step.quietSeconds);
        assert.deepEqual(strayStates(log.seen(), step.seen), [], `after "${step.act}"`);
      }
    });
  }
});

function ends(seen: Record<string, unknown[]>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(seen)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([facet, values]) => [facet, values.at(-1)]),
  );
}

/** States that were passed through and that the recording has not, or not in this order. */
function strayStates(seen: Record<string, unknown[]>, recorded: Record<string, unknown[]>): string[] {
  return Object.entries(seen).flatMap(([facet, values]) => {
    const allowed = (recorded[facet] ?? []).map((value) => canonicalJson(value));
    const stray = values.filter((value) => {
      const at = allowed.indexOf(canonicalJson(value));
      allowed.splice(0, at + 1);
      return at < 0;
    });
    return stray.map((value) => `${facet}: ${JSON.stringify(value)}`);
  });
}
