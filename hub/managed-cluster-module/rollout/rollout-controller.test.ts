import assert from 'node:assert/strict';
import { KubeError } from '../../../shared/kube/errors.ts';
import { edited, managedCluster } from '../../testing/pictures.ts';
import { before, present, RolloutWorld } from '../../testing/rollout-world.ts';
import { judgeLimits } from '../judge.ts';

type Rollout = ConstructorParameters<typeof RolloutWorld>[0];

/** Every cluster has the version before and is well. */
async function settled(rollout: Rollout, names: string[], labels?: Record<string, Record<string, string>>) {
  const world = new RolloutWorld(rollout, names, labels);
  for (let step = 0; step <= names.length; step += 1) {
    await world.settle();
    for (const name of world.at(before)) world.report(name, [1, 1, 0, 0]);
  }
  await world.settle();
  assert.deepEqual(world.at(before), names);
  return world;
}
const one = { type: 'Progressive', maxConcurrency: 1 } as const;

const unreadable = { selector: Array.from({ length: 30_000 }).reduce<unknown>((inner) => [inner], []) };

/** As the agent of a cluster may: it writes its own works. */
function garble(world: RolloutWorld, cluster: string, spec: unknown): void {
  const garbled = structuredClone(world.work(cluster)) as unknown as {
    spec: { workload: { manifests: { spec: unknown }[] } };
  };
  for (const manifest of garbled.spec.workload.manifests) manifest.spec = spec;
  for (const store of [world.server, world.works]) store.set(garbled as never);
}

/** The first of the clusters has the new version, and a node of it fails for longer than it may. */
async function failed(rollout: Rollout, names: string[]) {
  const world = await settled(rollout, names);
  world.edit({ moduleSpec: present });
  await world.settle();
  assert.deepEqual(world.at(present), ['a']);
  world.report('a', [1, 0, 1, 0]);
  await world.settle();
  world.clock.skip(judgeLimits.failingMs);
  return world;
}

describe('a rollout in waves', () => {
  it('goes from one cluster to the next', async () => {
    const world = await settled(one, ['a', 'b', 'c']);
    world.edit({ moduleSpec: present });
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      await world.settle();
      assert.deepEqual(world.at(present), expected);
      for (const name of expected) world.report(name, [1, 1, 0, 0]);
    }
  });

  it('stops with a failure that cannot be noted', async () => {
    const world = await failed(one, ['a', 'b']);
    world.onWrite = (work) => {
      if (work.metadata.namespace === 'a') throw new KubeError(403, 'Forbidden', 'denied');
    };
    await world.look('a');
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('stays stopped when the cluster that failed cannot be reached any more', async () => {
    const world = await failed(one, ['a', 'b']);
    await world.look('a');
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
    world.available('a', 'Unknown');
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('waits for a cluster that is lost with the new version, which fails like any other at the deadline', async () => {
    const world = await settled({ ...one, progressDeadline: '1h' }, ['a', 'b', 'c']);
    world.available('c', 'Unknown');
    world.edit({ moduleSpec: present });
    await world.settle();
    world.available('a', 'Unknown');
    await world.settle();
    assert.deepEqual([world.at(present), world.record('a')?.stage], [['a'], 'Moving']);
    // It has succeeded with the version before: who is lost with that holds nobody up.
    assert.equal(world.record('c')?.stage, 'Unreachable');
    world.clock.skip(3_600_000);
    await world.look('a');
    await world.settle();
    assert.deepEqual([world.at(present), world.record('a')?.stage], [['a'], 'Failed']);
    world.available('a', 'True');
    world.report('a', [1, 1, 0, 0]);
    await world.settle();
    assert.deepEqual(world.at(present), ['a', 'b']);
  });

  it('counts how long a cluster has been well anew when it was lost meanwhile', async () => {
    const soak = { ...one, minSuccessTime: '10m' };
    const world = await settled(one, ['a', 'b']);
    world.edit({ moduleSpec: present, rollout: soak });
    await world.settle();
    world.report('a', [1, 1, 0, 0]);
    await world.settle();
    world.clock.skip(30_000);
    world.available('a', 'Unknown');
    await world.settle();
    world.clock.skip(20 * 60_000);
    // Its work still says what the agent said before.
    world.available('a', 'True');
    await world.settle();
    assert.deepEqual([world.at(present), world.record('a')?.stage], [['a'], 'Moving']);
    world.clock.skip(10 * 60_000);
    await world.look('a');
    await world.settle();
    assert.deepEqual(world.at(present), ['a', 'b']);
  });

  it('is held up by no cluster that was well before anything went in waves, and is away', async () => {
    const world = new RolloutWorld({ type: 'All' }, ['a', 'b']);
    await world.settle();
    for (const name of ['a', 'b']) world.report(name, [1, 1, 0, 0]);
    await world.settle();
    world.clock.skip(60_000);
    world.available('a', 'Unknown');
    await world.settle();
    world.clock.skip(7 * 24 * 3_600_000);
    for (const rollout of [one, { ...one, progressDeadline: '1h' }]) {
      world.edit({ rollout });
      await world.settle();
      assert.equal(world.record('a')?.stage, 'Unreachable');
    }
    world.edit({ moduleSpec: present });
    await world.settle();
    assert.deepEqual(world.at(present), ['b']);
  });

  it('takes no cluster for well that has lost all its nodes', async () => {
    const world = await settled(one, ['a', 'b']);
    world.edit({ moduleSpec: present });
    await world.settle();
    world.report('a', [5, 0, 0, 5]);
    await world.settle();
    world.clock.skip(3_600_000);
    await world.look('a');
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('goes back although a node is broken where the version before had succeeded, and a new cluster gets it', async () => {
    const world = await failed(one, ['a', 'b', 'c']);
    await world.look('a');
    await world.settle();
    world.report('c', [3, 2, 1, 0]);
    await world.settle();
    world.clock.skip(judgeLimits.failingMs);
    await world.look('c');
    world.edit({ moduleSpec: before });
    await world.settle();
    assert.deepEqual(world.at(before), ['a', 'b', 'c']);
    assert.equal(world.record('c')?.phase, 'Failed');
  });

  it('obeys a smaller number at once, whoever was let go before', async () => {
    const world = await settled({ type: 'Progressive' }, ['a', 'b', 'c', 'd']);
    world.edit({ moduleSpec: present });
    await world.look();
    await world.decide();
    world.edit({ rollout: one });
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('counts whom it wrote, also while the watch shows the work as it was', async () => {
    const world = await settled(one, ['a', 'b']);
    world.available('a', 'Unknown');
    world.edit({ moduleSpec: present });
    await world.look();
    await world.decide();
    world.lags = true;
    await world.look();
    assert.deepEqual(world.at(present), ['b']);
    await world.decide();
    world.available('a', 'True');
    await world.look('a', 'b');
    await world.settle();
    assert.deepEqual(world.at(present), ['b']);
  });

  it('counts a cluster whose write may have arrived', async () => {
    const world = await settled(one, ['a', 'b', 'c']);
    world.edit({ moduleSpec: present });
    world.lags = true;
    world.onWritten = () => {
      throw new KubeError(0, 'ConnectionFailed', 'socket hang up');
    };
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
    world.catchUp();
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('does not wait for a cluster whose work somebody else changes all the time', async () => {
    const world = await settled(one, ['a', 'b', 'evil']);
    const mine = edited(world.work('evil'), (spec) => Object.assign(spec, { imageRepoSecret: { name: 'mine' } }));
    // The hub is never quick enough to take that out.
    world.works.set(mine);
    world.server.set({ ...mine, metadata: { ...mine.metadata, resourceVersion: '99' } });
    world.edit({ moduleSpec: present });
    await world.settle();
    assert.deepEqual(world.at(present), ['a']);
  });

  it('lets no new kernel put the deadline off', async () => {
    const world = await settled({ ...one, progressDeadline: '1h' }, ['a', 'b']);
    world.edit({ moduleSpec: present });
    await world.settle();
    for (const [minutes, kernel] of [
      [50, '5.14.0-2'],
      [9, '5.14.0-3'],
    ] as const) {
      world.clock.skip(minutes * 60_000);
      world.clusters.set(managedCluster({ name: 'a', kernels: ['5.14.0-1', kernel] }));
      await world.look('a');
      await world.settle();
    }
    assert.equal(world.record('a')?.stage, 'Moving');
    world.clock.skip(60_000);
    await world.look('a');
    await world.settle();
    assert.equal(world.record('a')?.stage, 'Failed');
    assert.deepEqual(world.at(present), ['a']);
  });

  it('waits until a cluster has been well for its time, however long it took until then', async () => {
    const world = await settled(one, ['a', 'b']);
    world.edit({ moduleSpec: present, rollout: { ...one, minSuccessTime: '10m' } });
    await world.settle();
    world.report('a', [2, 1, 0, 0]);
    await world.settle();
    world.clock.skip(20 * 60_000);
    world.report('a', [2, 2, 0, 0]);
    await world.settle();
    assert.deepEqual([world.at(present), world.record('a')?.stage], [['a'], 'Moving']);
    world.clock.skip(10 * 60_000);
    await world.look('a');
    await world.settle();
    assert.deepEqual(world.at(present), ['a', 'b']);
  });

  it('prepares a cluster once for a kernel that two entries name', async () => {
    const world = await settled(one, ['a']);
    world.edit({ upcomingKernels: [{ kernelVersion: '5.14.0-9' }, { kernelVersion: '5.14.0-9+', selector: {} }] });
    await world.settle();
    assert.deepEqual(world.record('a')?.upcoming, [{ kernel: '5.14.0-9', problem: undefined }]);
  });

  for (const [what, spec] of [
    ['a text', 'text'],
    ['nothing', null],
    ['lists in lists without end', unreadable],
  ] as const) {
    it(`goes on past a cluster whose agent wrote ${what} where its Module should be`, async () => {
      const world = await settled(one, ['c1', 'c2', 'c3']);
      garble(world, 'c3', spec);
      world.edit({ moduleSpec: present });
      for (let step = 0; step < 8; step += 1) {
        await world.decide();
        for (const cluster of ['c1', 'c2', 'c3']) await world.look(cluster).catch(() => undefined);
        for (const cluster of world.at(present)) world.report(cluster, [1, 1, 0, 0]);
      }
      assert.deepEqual(
        world.at(present).filter((cluster) => cluster !== 'c3'),
        ['c1', 'c2'],
      );
    });
  }

  for (const [stage, when] of [
    ['Unreachable', 'before its turn'],
    ['Failed', 'while it is its turn'],
  ] as const) {
    it(`counts a canary as ${stage} whose agent garbles its work ${when}, and begins the next group`, async () => {
      const [names, canary] = [['c1', 'c2', 'd1'], { group: 'canary' }];
      const groups = [{ name: 'canary', selector: canary }];
      const rollout = { type: 'ProgressivePerGroup', groups, maxConcurrency: 1, maxFailures: 1 } as const;
      const world = await settled(rollout, names, { c1: canary, c2: canary });
      world.edit({ moduleSpec: present });
      const untilNothingMoves = async () => {
        for (let step = 0; step < 6; step += 1) {
          await world.decide();
          for (const cluster of names) await world.look(cluster).catch(() => undefined);
          for (const cluster of world.at(present)) if (cluster !== 'c2') world.report(cluster, [1, 1, 0, 0]);
        }
      };
      if (stage === 'Failed') await untilNothingMoves();
      garble(world, 'c2', unreadable);
      await untilNothingMoves();
      const record = world.record('c2');
      assert.deepEqual([record?.reason, record?.stage], ['LookFailed', stage]);
      assert.ok(world.at(present).includes('d1'), `${world.at(present)}`);
    });
  }

  it('goes on in time also where somebody sets the clock back', async () => {
    const world = new RolloutWorld(one, ['c1', 'c2']);
    await world.settle();
    const first = world.at(before);
    world.clock.setBack(3_600_000);
    for (const cluster of first) world.report(cluster, [1, 1, 0, 0]);
    await world.settle();
    assert.deepEqual([first, world.at(before)], [['c1'], ['c1', 'c2']]);
  });
});
