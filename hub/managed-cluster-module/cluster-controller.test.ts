import assert from 'node:assert/strict';
import type {
  ManagedCluster,
  ManagedClusterModule,
  ManifestWork,
  manifestWorks,
} from '@open-cluster-management/api-types';
import { after } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { annotations, finalizers } from '../../shared/kube/names.ts';
import type { ControllerRevision, KubeObject, ObjectRef } from '../../shared/kube/object.ts';
import { ownerOf } from '../../shared/kube/ownership.ts';
import { Store } from '../../shared/kube/store.ts';
import { VirtualClock } from '../../shared/testing/virtual-clock.ts';
import { KernelIntake } from '../fleet/kernel-intake.ts';
import { answered, digest, managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { clusterReconcile } from './cluster-controller.ts';
import { Demand } from './demand.ts';
import { Digests } from './digests.ts';
import type { Fleet } from './gather.ts';
import { ModuleViews } from './module-view.ts';
import { type ClusterRecord, Records } from './records.ts';
import { RevisionViews } from './revision.ts';
import { revisionName } from './revisions.ts';
import { Rollouts } from './rollout/rollouts.ts';
import { UnderWay } from './under-way.ts';
import { UnlabelledWorks, unlabelledMs } from './unlabelled-works.ts';
import { mappingsIn, viewWork, workLabel } from './work.ts';

const module: ManagedClusterModule = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'm', uid: 'u', generation: 1 },
  spec: { selector: {}, spokeNamespace, moduleSpec: moduleSpec(), rollout: { minSuccessTime: '10m' } },
};
const recorded: ControllerRevision = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: {
    name: revisionName('m', moduleSpec()),
    namespace: 'hub',
    labels: workLabel('m'),
    ownerReferences: [{ ...ownerOf(module), controller: true }],
  },
  data: { moduleSpec: moduleSpec() },
  revision: 1,
};

function storeOf<T extends KubeObject>(...objects: T[]): Store<T> {
  const store = new Store<T>();
  for (const object of objects) store.set(object);
  return store;
}

/** The hub's look at one cluster, whose API server is a store. */
function world() {
  const modules = storeOf(module);
  const revisions = storeOf(recorded);
  const works = storeOf<ManifestWork>();
  const clusters = storeOf<ManagedCluster>(managedCluster({ kernels: ['5.14.0-1'] }));
  const clock = new VirtualClock(Date.parse(nowText));
  const state = { refusal: undefined as KubeError | undefined, unlabelled: undefined as ManifestWork | undefined };
  const underWay = new UnderWay(clock);
  /** Of each write: what was under way when it was sent. */
  const seenUnderWay: boolean[] = [];
  const write = async (_: typeof manifestWorks, work: ManifestWork) => {
    seenUnderWay.push(underWay.has('m'));
    if (state.refusal !== undefined) throw state.refusal;
    if (state.unlabelled !== undefined && work.metadata.uid !== state.unlabelled.metadata.uid) {
      throw new KubeError(409, 'AlreadyExists', 'manifestworks "m" already exists');
    }
    works.set({ ...work, metadata: { ...work.metadata, generation: 1 } });
    return work;
  };
  const fleet = {
    modules,
    clusters,
    works,
    revisions,
    namespace: 'hub',
    moduleViews: new ModuleViews(),
    revisionViews: new RevisionViews(),
    intake: new KernelIntake(),
    rollouts: new Rollouts(),
    unlabelled: new UnlabelledWorks(),
    digests: new Digests({ ofRevision: () => [] }),
    images: { state: () => ({ state: 'Verified', digest: digest('x') }) },
    nowMs: () => clock.now(),
    passedMs: () => clock.passed(),
  } as unknown as Fleet;
  const records = new Records(() => undefined);
  const get = async () => state.unlabelled;
  const remove = async (_: typeof manifestWorks, { namespace, name }: ObjectRef) =>
    works.delete(`${namespace}/${name}`);
  const client = { create: write, replace: write, get, delete: remove } as unknown as KubeClient;
  const demand = new Demand({ want: () => undefined, forget: () => undefined, warnings: () => [] });
  const reconcile = clusterReconcile({ client, fleet, demand, records, underWay });
  records.begin('m', 1);
  return {
    clock,
    state,
    underWay,
    seenUnderWay,
    modules,
    revisions,
    works,
    clusters,
    look: () => reconcile('m/c1'),
    record: (): ClusterRecord | undefined => records.snapshot('m', 1)?.[0],
    /** The cluster says how many of its two nodes have the module. */
    report(loaded: number) {
      const work = works.get({ namespace: 'c1', name: 'm' })!;
      const shipped = work.metadata.annotations?.[annotations.state] ?? '';
      works.set(answered(work, { state: shipped, report: JSON.stringify({ v: 1, nodes: [2, loaded, 0, 0] }) }));
    },
  };
}

describe('a look at one cluster', () => {
  it('tells that a work of the module is under way until it is answered; where it is not, until it cannot be done any more', async () => {
    const { look, underWay, seenUnderWay, state, clock } = world();
    clock.skip(60_000);
    assert.equal(underWay.has('m'), false);
    state.refusal = new KubeError(0, 'ConnectionFailed', 'no answer');
    await assert.rejects(look());
    assert.deepEqual([seenUnderWay, underWay.has('m')], [[true], true]);
    clock.skip(60_000);
    assert.equal(underWay.has('m'), false);
  });

  it('doubts a write that was not answered no longer where somebody sets the clock back', async () => {
    const { look, underWay, state, clock } = world();
    state.refusal = new KubeError(0, 'ConnectionFailed', 'no answer');
    await assert.rejects(look());
    clock.setBack(3_600_000);
    clock.skip(60_000);
    assert.equal(underWay.has('m'), false);
  });

  it('remembers that the cluster was unwell while it cannot be reached: it must be well for its time again', async () => {
    const { look, record, report, clock, clusters } = world();
    await look();
    report(2);
    clock.skip(3_600_000);
    await look();
    assert.equal(record()?.phase, 'Succeeded');
    report(1);
    await look();
    clusters.set(managedCluster({ kernels: ['5.14.0-1'], available: 'Unknown' }));
    await look();
    assert.equal(record()?.phase, 'Unreachable');
    clusters.set(managedCluster({ kernels: ['5.14.0-1'] }));
    report(2);
    await look();
    assert.equal(record()?.reason, 'Soaking');
    clock.skip(600_000);
    await look();
    assert.equal(record()?.phase, 'Succeeded');
  });

  it('names what the API server refuses, and throws it to be tried again [T28]', async () => {
    const { look, record, state } = world();
    state.refusal = new KubeError(403, 'Forbidden', 'manifestworks is forbidden');
    await assert.rejects(look(), /forbidden/);
    assert.match(`${record()?.reason}: ${record()?.message}`, /^WorkWriteFailed: .*forbidden/);
  });

  it('counts a cluster whose work cannot be read as selected where the module selects it, or does not say whom', async () => {
    const { look, record, works, clusters, modules } = world();
    await look();
    const garbled = structuredClone(works.list()[0]!) as unknown as {
      spec: { workload: { manifests: { spec: unknown }[] } };
    };
    const deep = Array.from({ length: 30_000 }).reduce<unknown>((inner) => [inner], []);
    for (const manifest of garbled.spec.workload.manifests) manifest.spec = { selector: deep };
    works.set(garbled as never);
    const counts = async (spec: Partial<ManagedClusterModule['spec']>) => {
      modules.set({ ...module, spec: { ...module.spec, ...spec } });
      await assert.rejects(look());
      assert.equal(record()?.reason, 'LookFailed');
      return record()?.selected;
    };
    const other = { selector: { site: 'other' } };
    assert.deepEqual([await counts({}), await counts(other)], [true, false]);
    assert.equal(await counts({ ...other, moduleSpec: {} as never }), true, 'whom it means is not known');
    const cluster = clusters.list()[0]!;
    clusters.set({ ...cluster, metadata: { ...cluster.metadata, deletionTimestamp: nowText } });
    assert.equal(await counts({}), false, 'OCM detaches it');
    clusters.delete('c1');
    assert.equal(await counts({}), false, 'gone');
  });

  it('names a work of someone else that it meets, and takes its place when that is gone, whoever sets the clock meanwhile [T29]', async () => {
    const { look, record, state, works, clock } = world();
    state.unlabelled = foreignWork();
    await assert.rejects(look(), /already exists/);
    assert.deepEqual(await look(), after(unlabelledMs, 'UnlabelledWork'));
    assert.equal(record()?.reason, 'ForeignWork');
    assert.deepEqual(works.list(), []);
    state.unlabelled = undefined;
    clock.setBack(3_600_000);
    clock.skip(unlabelledMs);
    await look();
    assert.equal(works.list().length, 1);
  });

  it('takes new kernels of a cluster at a bounded rate, names what it puts off, and takes it in its time, whoever sets the clock', async () => {
    const { look, record, clusters, works, clock } = world();
    const kernels = (from: number) => Array.from({ length: 40 }, (_, index) => `5.14.0-${from + index}`);
    const mapped = () => mappingsIn(viewWork(works.list()[0]!, spokeNamespace).spec).length;
    clusters.set(managedCluster({ kernels: kernels(100) }));
    await look();
    clusters.set(managedCluster({ kernels: kernels(200) }));
    assert.deepEqual(await look(), after(3_600_000, 'KernelsDeferred'));
    assert.equal(mapped(), 64);
    const notice = record()?.notices.find(({ reason }) => reason === 'KernelsDeferred');
    assert.match(notice?.message ?? '', /64 new kernels .*5\.14\.0-224, .* and 13 more/);
    clock.setBack(3_600_000);
    clock.skip(3_600_000);
    await look();
    assert.equal(mapped(), 80);
  });

  it('of an object made anew under its name waits for a work that goes, and takes over one that stays', async () => {
    const { look, record, works, modules, revisions } = world();
    await look();
    const [work] = works.list();
    const uidOf = (object: KubeObject | undefined) => object?.metadata.ownerReferences?.[0]?.uid;
    assert.equal(uidOf(work), 'u');
    const anew = { ...module, metadata: { ...module.metadata, uid: 'u2' } };
    modules.set(anew);
    revisions.set({
      ...recorded,
      metadata: { ...recorded.metadata, ownerReferences: [{ ...ownerOf(anew), controller: true }] },
    });
    works.set({ ...work!, metadata: { ...work!.metadata, deletionTimestamp: nowText, finalizers: ['agent'] } });
    await look();
    assert.equal(record()?.reason, 'WorkTerminating');
    assert.equal(uidOf(works.list()[0]), 'u');
    works.delete('c1/m');
    await look();
    assert.equal(uidOf(works.list()[0]), 'u2');
    works.set(work!);
    await look();
    assert.equal(uidOf(works.list()[0]), 'u2');
    assert.equal(works.list()[0]?.metadata.ownerReferences?.length, 1);
  });

  it('takes out what somebody added to the Module', async () => {
    const { look, works } = world();
    await look();
    const [made] = works.list();
    const added = structuredClone(made!);
    Object.assign(added.spec.workload!.manifests![0]!['spec'] as object, { imageRepoSecret: { name: 'theirs' } });
    works.set(added);
    await look();
    assert.deepEqual(works.list()[0]?.spec, made?.spec);
  });

  it('of a module whose Modules shall stay is the same without an owner; what told it so once is taken out', async () => {
    const { look, modules, works } = world();
    await look();
    const [ordinary] = works.list();
    const spec = { ...module.spec, deletionPolicy: 'Orphan' as const };
    modules.set({ ...module, metadata: { ...module.metadata, finalizers: [finalizers.orphan] }, spec });
    works.delete('c1/m');
    await look();
    const [work] = works.list();
    assert.deepEqual(work?.spec, ordinary?.spec);
    assert.equal(work?.metadata.ownerReferences, undefined);
    works.set({ ...work!, spec: { ...work!.spec, deleteOption: { propagationPolicy: 'Orphan' } } });
    await look();
    assert.deepEqual(works.list()[0]?.spec, ordinary?.spec);
  });

  it('that an earlier module of the name left stays on a cluster that is not selected until it is confirmed', async () => {
    const { look, modules, works } = world();
    await look();
    modules.set({ ...module, spec: { ...module.spec, selector: { tier: 'none' } } });
    const [made] = works.list();
    const spec = { ...made!.spec, deleteOption: { propagationPolicy: 'Orphan' as const } };
    const left = { ...made!, metadata: { ...made!.metadata, generation: 2 }, spec };
    works.set(answered(left, {}, { generation: 1 }));
    await look();
    assert.equal(works.list().length, 1);
    works.set(answered(left, {}, { generation: 2 }));
    await look();
    assert.equal(works.list().length, 0);
  });

  it('follows no version that is someone else’s, or on its way out', async () => {
    for (const change of [{ ownerReferences: [], labels: {} }, { deletionTimestamp: nowText }]) {
      const { look, record, works, revisions } = world();
      revisions.set({ ...recorded, metadata: { ...recorded.metadata, ...change } });
      await look();
      assert.deepEqual([works.list().length, record()?.reason], [0, 'RevisionPending']);
    }
  });

  it('tells nothing of a cluster that OCM detaches, and counts no work of someone else', async () => {
    const { look, record, clusters, state } = world();
    const { metadata, ...rest } = managedCluster({ kernels: ['5.14.0-1'] });
    clusters.set({ ...rest, metadata: { ...metadata, deletionTimestamp: nowText } });
    await look();
    assert.equal(record(), undefined);
    clusters.set({ ...rest, metadata });
    state.unlabelled = foreignWork();
    await assert.rejects(look());
    await look();
    assert.equal(record()?.work, undefined);
  });

  it('of an invalid spec selects only clusters that have a work', async () => {
    const { look, record, modules } = world();
    const spec = { ...module.spec, selector: { a: 1 } } as unknown as ManagedClusterModule['spec'];
    modules.set({ ...module, spec });
    await look();
    assert.equal(record(), undefined);
    modules.set(module);
    await look();
    modules.set({ ...module, spec });
    await look();
    assert.deepEqual([record()?.selected, record()?.reason], [true, 'InvalidSpec']);
  });

  it('puts its label back on a work of its own', async () => {
    const { look, state, works } = world();
    const ownerReferences = [{ ...ownerOf(module), controller: true }];
    state.unlabelled = { ...foreignWork(), metadata: { ...foreignWork().metadata, ownerReferences } };
    await assert.rejects(look(), /already exists/);
    await look();
    assert.deepEqual(works.list()[0]?.metadata.labels, workLabel('m'));
  });
});

/** Seen by nobody who asks for our label. */
function foreignWork(): ManifestWork {
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { namespace: 'c1', name: 'm', uid: 'other' },
    spec: {},
  };
}
