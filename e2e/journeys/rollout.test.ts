import assert from 'node:assert/strict';
import type { ManifestWork } from '@open-cluster-management/api-types';
import { rowsOf } from '../../hub/cli/rows.ts';
import { sleep } from '../../shared/core/clock.ts';
import { annotations } from '../../shared/kube/names.ts';
import { events } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readWork } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const soakMs = 20_000;
const waves = {
  type: 'Progressive',
  maxConcurrency: 1,
  minSuccessTime: `${soakMs / 1000}s`,
  groups: [{ name: 'canary', selector: { ring: 'canary' } }],
} as const;
const clusters = ['alpha', 'beta', 'canary'] as const;

/** Each test begins with what the one before left. */
describe('a version that goes through the fleet in waves', () => {
  let stage: Stage;
  const work = (cluster: string) => readWork(stage.fleet, cluster, 'nic');
  const note = (object: ManifestWork | undefined, name: keyof typeof annotations) =>
    object?.metadata.annotations?.[annotations[name]];
  const timeOf = async (cluster: string, name: keyof typeof annotations) =>
    Date.parse(note(await work(cluster), name) ?? '');
  const revisionOf = async (cluster: string) => note(await work(cluster), 'revision');
  const status = async () => (await readModule(stage.fleet, 'nic'))?.status;
  /** As `kubectl kmm status` has it. */
  const stateOf = async (cluster: string) => {
    const [module, its] = [await readModule(stage.fleet, 'nic'), await work(cluster)];
    return rowsOf(module ? [module] : [], its ? [its] : []).find((row) => row.cluster === cluster)?.state;
  };
  const edit = (debug: string) =>
    stage.edit('nic', {
      moduleSpec: { moduleLoader: { container: { modprobe: { parameters: [`debug=${debug}`] } } } },
    });
  const kernel = (cluster: string) => stage.fleet.spoke(cluster).node('n1').kernel;
  /** `later` got its revision only after `earlier` had held it for the time of the soak. */
  const follows = async (later: string, earlier: string) => {
    const began = await timeOf(later, 'updatedAt');
    const well = await timeOf(earlier, 'succeededAt');
    // Annotations say whole seconds.
    assert.ok(began >= well + soakMs - 1000, `${later} began ${(began - well) / 1000} s after ${earlier} was well`);
  };

  before(async () => {
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage(
      clusters.map((name) => ({ name, nodes, labels: { ring: name === 'canary' ? 'canary' : 'rest' } })),
    );
    const both = [kernels.el9, kernels.el9Next];
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: both });
  });
  after(() => stage.stop());

  it('begins with the canary, goes on one by one once it has held, and says meanwhile whom it waits for', async () => {
    await stage.apply('nic', { ...fleetSpec(driverSpec(stage.fleet, 'drivers/nic')), rollout: waves } as never);
    const early = await eventually('the canary is on its way', async () => {
      const seen = await status();
      return (seen?.rollout?.progressing ?? 0) > 0 ? seen : undefined;
    });
    assert.deepEqual([early.rollout?.phase, early.rollout?.group], ['Progressing', 'canary']);
    assert.match(early.rollout?.message ?? '', /^group canary \(1 of 1\): 0 of 3 clusters are done; .*canary \(/);
    assert.equal(await work('alpha'), undefined);
    await eventually('the canary is shown to soak', async () => (await stateOf('canary')) === 'Soaking');
    await stage.ready('nic');
    assert.deepEqual(await Promise.all(clusters.map(stateOf)), ['Loaded', 'Loaded', 'Loaded']);
    await follows('alpha', 'canary');
    await follows('beta', 'alpha');
    const { rollout } = (await status()) ?? {};
    assert.deepEqual([rollout?.phase, rollout?.succeeded, rollout?.group], ['Complete', 3, undefined]);
  });

  it('stops at a canary that fails, and names it with its error; the others keep their version', async () => {
    const before = await revisionOf('alpha');
    await kernel('canary').hold('nic');
    await edit('1');
    const stopped = await eventually('it stopped', async () => {
      const seen = await status();
      return seen?.rollout?.phase === 'Stopped' ? seen : undefined;
    });
    assert.match(stopped.rollout?.message ?? '', /^1 clusters failed, 0 may .*canary .*use count 1/i);
    assert.match(conditionOf(await readModule(stage.fleet, 'nic'), 'Progressing'), /^False RolloutStopped/);
    const told = await stage.fleet.hub.client.list(events);
    assert.ok(told.items.some(({ reason, note }) => reason === 'RolloutStopped' && note?.includes('canary')));
    assert.notEqual(note(await work('canary'), 'failedAt'), undefined);
    assert.deepEqual([await revisionOf('alpha'), await revisionOf('beta')], [before, before]);
    assert.notEqual(await revisionOf('canary'), before);
  });

  it('serves a new kernel there from the version that the cluster has', async () => {
    const before = await revisionOf('alpha');
    await stage.fleet
      .spoke('alpha')
      .node('n1')
      .reboot({ kernel: { release: kernels.el9Next } });
    await eventually('the new kernel has the module', () => loadedModules(stage.fleet, 'alpha', 'n1').includes('nic'));
    const seen = await work('alpha');
    assert.equal(note(seen, 'revision'), before);
    assert.match(JSON.stringify(seen?.spec), new RegExp(kernels.el9Next.replaceAll('.', '\\.')));
    assert.doesNotMatch(JSON.stringify(seen?.spec), /debug=1/);
  });

  it('stays stopped when the hub starts anew', async () => {
    const before = await Promise.all(clusters.map(work));
    await stage.restartHub();
    // Longer than a failure must last to be one.
    await sleep(stage.clock, 60_000);
    assert.equal((await status())?.rollout?.phase, 'Stopped');
    const after = await Promise.all(clusters.map(work));
    for (const [index, each] of after.entries())
      assert.deepEqual(each?.metadata.annotations, before[index]?.metadata.annotations);
  });

  it('an undo is an edit, and costs the clusters nothing that never changed', async () => {
    const before = await Promise.all(['alpha', 'beta'].map(work));
    const module = await readModule(stage.fleet, 'nic');
    const container = module?.spec.moduleSpec?.moduleLoader?.container as { modprobe: { parameters?: unknown } };
    assert.ok(container.modprobe.parameters);
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { modprobe: { parameters: null } } } } });
    await kernel('canary').releaseHold('nic');
    await stage.ready('nic');
    const after = await Promise.all(['alpha', 'beta'].map(work));
    assert.deepEqual(
      after.map((each) => each?.metadata.annotations),
      before.map((each) => each?.metadata.annotations),
    );
    assert.deepEqual(
      after.map((each) => each?.metadata.generation),
      before.map((each) => each?.metadata.generation),
    );
  });

  it('starts nobody while it is paused; another edit in the middle begins anew, with the canary', async () => {
    await stage.edit('nic', { rollout: { paused: true } });
    await edit('2');
    await eventually('it says that it is paused', async () => (await status())?.rollout?.phase === 'Paused');
    const paused = await Promise.all(clusters.map(revisionOf));
    assert.equal(new Set(paused).size, 1);
    await stage.edit('nic', { rollout: { paused: null } });
    await eventually('the canary moves', async () => (await revisionOf('canary')) !== paused[0]);
    await edit('3');
    await stage.ready('nic');
    await follows('alpha', 'canary');
    await follows('beta', 'alpha');
    assert.equal(new Set(await Promise.all(clusters.map(revisionOf))).size, 1);
    assert.equal((await status())?.rollout?.revision, await revisionOf('beta'));
  });
});
