import assert from 'node:assert/strict';
import type { OpenShiftBuild } from '../build/openshift-build.ts';
import type { CacheView } from '../kube/cache.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Pod } from '../kube/object.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { imageHash, JobShelf } from './job-shelf.ts';
import type { MakingObject } from './job-view.ts';

const image = 'registry.example/driver:1';
const buildTimeoutMs = 60_000;

function build(status: OpenShiftBuild['status'], noted: Record<string, string> = {}): OpenShiftBuild {
  return {
    apiVersion: 'build.openshift.io/v1',
    kind: 'Build',
    metadata: {
      name: 'driver-build',
      uid: 'u',
      labels: { [labels.buildType]: 'build', [labels.image]: imageHash(image) },
      annotations: { [annotations.image]: image, ...noted },
    },
    spec: {} as OpenShiftBuild['spec'],
    ...(status && { status }),
  };
}

const pending: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [] },
  status: {
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
  } as NonNullable<Pod['status']>,
};

/** One Build, whose status is told anew each time. */
function world() {
  const clock = new VirtualClock();
  let present: MakingObject[] = [];
  const jobs: CacheView<MakingObject> = {
    get: () => present[0],
    list: () => present,
    byIndex: () => present,
    synced: true,
  };
  let pods: Pod[] = [];
  const podCaches = [{ byIndex: () => [] }, { byIndex: () => pods }];
  const shelf = new JobShelf({ jobs: [jobs], pods: podCaches, buildTimeoutMs }, clock);
  return {
    clock,
    shelf,
    /** One of this UID ends, is read, and gives way to what comes next. */
    async passBy(uid: string) {
      const one = build({ phase: 'Complete', completionTimestamp: '2026-01-01T00:00:00Z' });
      present = [{ ...one, metadata: { ...one.metadata, uid } }];
      const [job] = shelf.of(image);
      assert.ok(job);
      shelf.noteRead(job, { notedMs: clock.now(), reason: '', message: '' });
      await clock.advance(60_000);
    },
    seen(status: OpenShiftBuild['status'], itsPods: Pod[] = [], noted = {}) {
      present = [build(status, noted)];
      pods = itsPods;
      const [job] = shelf.of(image);
      assert.ok(job);
      return job;
    },
    gone() {
      present = [];
    },
  };
}

describe('the shelf of Jobs', () => {
  it('knows for how long yet a Build may have no pod that starts: from when it is first seen so, whoever sets the clock', async () => {
    const { clock, seen } = world();
    assert.equal(seen(undefined).leftMs, buildTimeoutMs);
    clock.setBack(3_600_000);
    await clock.advance(10_000);
    assert.equal(seen({ phase: 'New', reason: 'X' }).leftMs, buildTimeoutMs - 10_000);
    assert.equal(seen({ phase: 'Pending' }).leftMs, buildTimeoutMs - 10_000);
    assert.equal(seen({ phase: 'Running' }).leftMs, undefined, 'now its pod has a deadline');
    await clock.advance(100_000);
    assert.equal(seen({ phase: 'Failed' }).leftMs, buildTimeoutMs, 'somebody has to write its end');
    const ended = seen({ phase: 'Failed', completionTimestamp: '2026-01-01T00:00:00Z' });
    assert.deepEqual([ended.phase, ended.leftMs], ['failed', undefined]);
  });

  it('says what the pod of a Build says, else what the Build says, whichever cache has the pod', () => {
    const { seen } = world();
    const status = { phase: 'New' as const, reason: 'CannotCreateBuildPod' };
    assert.equal(seen(status).podTrouble, 'CannotCreateBuildPod');
    assert.equal(seen(status, [pending]).podTrouble, 'Unschedulable');
    assert.equal(seen({ phase: 'Running' }).podTrouble, undefined);
  });

  it('takes a Build that was given up for one that goes, as long as the cache may lag, and its place until it is gone', async () => {
    const { clock, shelf, seen, gone } = world();
    shelf.noteGivenUp(seen({ phase: 'New' }));
    assert.deepEqual([seen({ phase: 'New' }).phase, shelf.running()], ['terminating', 1]);
    gone();
    assert.deepEqual([shelf.of(image), shelf.running()], [[], 0]);
    clock.setBack(3_600_000);
    await clock.advance(30_000);
    assert.equal(seen({ phase: 'New' }).phase, 'active');
  });

  it('takes the wall time that a result is noted with for what passed since: once, whoever sets the clock; none is of a time to come', async () => {
    for (const [aheadMs, agoMs] of [
      [-90_000, 90_000],
      [600_000, 0],
    ] as const) {
      const { clock, seen } = world();
      const at = new Date(clock.now() + aheadMs).toISOString();
      const noted = { [annotations.result]: JSON.stringify({ at, reason: '', message: '' }) };
      const ended = () => seen({ phase: 'Complete', completionTimestamp: at }, [], noted).result?.atMs;
      assert.equal(ended(), clock.passed() - agoMs);
      clock.setBack(3_600_000);
      await clock.advance(10_000);
      assert.equal(ended(), clock.passed() - agoMs - 10_000);
    }
  });

  it('forgets what it knows of a Job that is gone when the next one is read', async () => {
    const { clock, seen, passBy } = world();
    await passBy('u');
    await passBy('v');
    // No two objects have one UID: that it is judged anew only shows that nothing was left of it.
    const at = new Date(clock.now()).toISOString();
    const noted = { [annotations.result]: JSON.stringify({ at, reason: '', message: '' }) };
    const ended = seen({ phase: 'Complete', completionTimestamp: at }, [], noted).result;
    assert.equal(ended?.atMs, clock.passed());
  });
});
