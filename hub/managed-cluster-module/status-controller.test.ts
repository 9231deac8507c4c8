import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import type { KubeClient } from '../../shared/kube/client.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { VirtualClock } from '../../shared/testing/virtual-clock.ts';
import { moduleSpec, spokeNamespace } from '../testing/pictures.ts';
import { ClusterMeters } from './cluster-meters.ts';
import type { Fleet } from './gather.ts';
import { ModuleViews } from './module-view.ts';
import { reasons } from './reasons.ts';
import { type ClusterRecord, Records } from './records.ts';
import { statusReconcile } from './status-controller.ts';

const clusters = Array.from({ length: 50 }, (_, index) => `c${index}`);

function record(cluster: string): ClusterRecord {
  return {
    cluster,
    generation: 1,
    selected: true,
    phase: 'Succeeded',
    reason: reasons.succeeded,
    message: '',
    reporting: 'Full',
    updated: true,
    stage: 'Succeeded',
    upcoming: [],
    work: { applied: true, degraded: false },
    plans: [],
    notices: [],
    ignored: { ignored: [], moreIgnored: 0 },
  };
}

class CountedRecords extends Records {
  snapshots = 0;
  override snapshot(module: string, generation: number) {
    this.snapshots += 1;
    return super.snapshot(module, generation);
  }
}

/** One module of 50 clusters, all expected, none looked at. */
function world(present: ManagedClusterModuleStatus = {}) {
  const written: ManagedClusterModuleStatus[] = [];
  const module: ManagedClusterModule = {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'm', uid: 'u', generation: 1 },
    spec: { selector: {}, spokeNamespace, moduleSpec: moduleSpec() },
    status: present,
  };
  const clock = new VirtualClock();
  const records = new CountedRecords(() => undefined);
  for (const cluster of clusters) records.expect('m', { cluster, selected: true });
  records.begin('m', 1);
  const patch = async (_: unknown, __: unknown, { body }: { body: { status: ManagedClusterModuleStatus } }) => {
    written.push(body.status);
    return { ...module, status: body.status };
  };
  const reconcile = statusReconcile({
    client: { patch } as unknown as KubeClient,
    fleet: {
      revisions: { get: () => undefined },
      modules: { get: () => module },
      moduleViews: new ModuleViews(),
      nowMs: () => clock.now(),
      passedMs: () => clock.passed(),
    } as unknown as Fleet,
    demand: { warnings: () => [] } as never,
    records,
    events: { record: () => undefined },
    clusterMeters: new ClusterMeters(silentMeters),
    intervalMs: 1_000,
  });
  return { clock, records, written, reconcile: () => reconcile('m') };
}

const ready = (status: ManagedClusterModuleStatus | undefined) =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.status;

describe('the status of a module of many clusters', () => {
  it('costs a pass over the clusters once an interval, not with each cluster that changes', async () => {
    const { records, reconcile, written, clock } = world();
    for (const cluster of clusters) {
      records.set('m', record(cluster));
      await reconcile();
    }
    assert.equal(ready(written[0]), 'True');
    for (const cluster of clusters) {
      records.set('m', { ...record(cluster), phase: 'Failed' });
      await reconcile();
    }
    assert.ok(records.snapshots <= 2, `${records.snapshots} passes`);
    clock.skip(1_000);
    await reconcile();
    assert.equal(ready(written.at(-1)), 'False');
  });

  it('is told in time also where somebody sets the clock back', async () => {
    const { records, reconcile, written, clock } = world();
    for (const cluster of clusters) records.set('m', record(cluster));
    await reconcile();
    clock.setBack(3_600_000);
    for (const cluster of clusters) records.set('m', { ...record(cluster), phase: 'Failed' });
    await reconcile();
    clock.skip(1_000);
    await reconcile();
    assert.equal(ready(written.at(-1)), 'False');
  });

  it('is not Ready while a cluster was not looked at, however long that takes', async () => {
    const { records, reconcile, written, clock } = world();
    for (const cluster of clusters.slice(1)) records.set('m', record(cluster));
    await reconcile();
    assert.equal(written.length, 0);
    clock.skip(10_000);
    await reconcile();
    assert.equal(ready(written[0]), 'False');
    assert.deepEqual([written[0]?.rollout?.selected, written[0]?.rollout?.waiting], [50, 1]);
    records.set('m', record('c0'));
    clock.skip(1_000);
    await reconcile();
    assert.equal(ready(written[1]), 'True');
  });

  it('drops nothing that was Ready when the hub starts again and needs its time to look at all clusters', async () => {
    const { records, reconcile, written, clock } = world({ observedGeneration: 1 });
    for (const cluster of clusters.slice(1)) records.set('m', record(cluster));
    await reconcile();
    clock.skip(30_000);
    await reconcile();
    assert.equal(written.length, 0);
    records.set('m', record('c0'));
    await reconcile();
    assert.equal(ready(written[0]), 'True');
  });

  it('forgets a cluster that went, and counts right what is looked at twice or anew', async () => {
    const { records } = world();
    for (const cluster of [...clusters, ...clusters]) records.set('m', record(cluster));
    assert.equal(records.outdated('m'), 0);
    records.expect('m', { cluster: 'new', selected: true });
    records.remove('m', 'c0');
    assert.equal(records.outdated('m'), 1);
    records.remove('m', 'new');
    records.begin('m', 2);
    assert.equal(records.outdated('m'), 49);
    records.set('m', record('c1'));
    assert.equal(records.outdated('m'), 49, 'a look with the generation before');
    records.set('m', { ...record('c1'), generation: 2 });
    assert.equal(records.outdated('m'), 48);
  });
});
