import assert from 'node:assert/strict';
import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { done } from '../../../shared/core/outcome.ts';
import type { RecordedEvent } from '../../../shared/kube/events.ts';
import { annotations, finalizers } from '../../../shared/kube/names.ts';
import { ownerOf } from '../../../shared/kube/ownership.ts';
import { Store } from '../../../shared/kube/store.ts';
import { fakeClient } from '../../../shared/testing/fake-client.ts';
import { VirtualClock } from '../../../shared/testing/virtual-clock.ts';
import { indexes } from '../../controllers.ts';
import { answered, managedCluster, moduleSpec, nowText, spokeNamespace } from '../../testing/pictures.ts';
import { ModuleViews } from '../module-view.ts';
import { UnderWay } from '../under-way.ts';
import { buildWork } from '../work.ts';
import { modulesOfCluster, modulesOfWork, worksOfModule, worksOfWork } from './controllers.ts';
import { orphanModuleReconcile } from './module-controller.ts';
import { orphanWorkReconcile } from './work-controller.ts';

const living: ManagedClusterModule = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'm', uid: 'u', generation: 1, finalizers: ['theirs', finalizers.orphan] },
  spec: { selector: {}, spokeNamespace, moduleSpec: moduleSpec(), deletionPolicy: 'Orphan' },
};
const leaving: ManagedClusterModule = { ...living, metadata: { ...living.metadata, deletionTimestamp: nowText } };
const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'o' };

function workOf(cluster: string, overrides: Partial<ManifestWork['metadata']> = {}): ManifestWork {
  const revision = { revision: 'm-1', updatedAt: nowText, spec: moduleSpec() };
  const work = buildWork({ module: 'm', spokeNamespace, cluster, ...revision });
  return { ...work, metadata: { ...work.metadata, uid: `uid-${cluster}`, resourceVersion: '7', ...overrides } };
}

function told(work: ManifestWork): ManifestWork {
  return { ...work, spec: { ...work.spec, deleteOption: { propagationPolicy: 'Orphan' } } };
}

/** What the hub sees, and what it sent. `unseen`: a work that the server has and the watch has not shown. */
function world(module: ManagedClusterModule | undefined, works: readonly ManifestWork[], unseen?: ManifestWork) {
  const modules = new Store<ManagedClusterModule>(indexes.modules);
  const workStore = new Store<ManifestWork>(indexes.works);
  const clusters = new Store<ManagedCluster>();
  if (module !== undefined) modules.set(module);
  for (const work of works) workStore.set(work);
  for (const name of ['c1', 'c2']) clusters.set(managedCluster({ name }));
  const sent: unknown[] = [];
  const events: RecordedEvent[] = [];
  const clock = new VirtualClock();
  const underWay = new UnderWay(clock);
  // Long after the hub has started.
  clock.skip(60_000);
  const send =
    (verb: string) =>
    async (_: unknown, ...what: unknown[]) => {
      sent.push([verb, ...what]);
      return what[0];
    };
  const client = fakeClient({
    replace: send('replace') as never,
    patch: send('patch') as never,
    delete: send('delete') as never,
    list: (async () => ({ items: [...works, ...(unseen === undefined ? [] : [unseen])] })) as never,
  });
  const fleet = {
    modules,
    works: workStore,
    clusters,
    moduleViews: new ModuleViews(),
    nowMs: () => clock.now(),
    passedMs: () => clock.passed(),
  };
  const known = { modules, works: workStore };
  const look = orphanModuleReconcile({
    client,
    fleet: fleet as never,
    events: { record: (event) => events.push(event) },
    underWay,
    intervalMs: 1_000,
  });
  return {
    known,
    sent,
    events,
    clock,
    underWay,
    look,
    lookAtWork: orphanWorkReconcile({ client, fleet: fleet as never }),
  };
}

describe('what is sent for a work whose Module stays', () => {
  const controller = { ...ownerOf(living), controller: true, blockOwnerDeletion: true };
  const owned = workOf('c1', { ownerReferences: [controller, other], finalizers: ['agent'] });

  it('the deleteOption as OCM has it, without our owner; all else stays byte for byte', async () => {
    const { sent, lookAtWork } = world(leaving, [owned]);
    await lookAtWork('m/c1');
    const wanted = { ...owned, metadata: { ...owned.metadata, ownerReferences: [other] } };
    assert.deepEqual(sent, [['replace', told(wanted)]]);
  });

  it('while the module lives only the owner goes, also one of an object that had its name', async () => {
    const before = workOf('c1', { ownerReferences: [{ ...controller, uid: 'older' }] });
    for (const [present, left] of [
      [owned, [other]],
      [before, []],
    ] as const) {
      const { sent, lookAtWork } = world(living, [present]);
      await lookAtWork('m/c1');
      const metadata = { ...present.metadata, ownerReferences: left };
      assert.deepEqual(sent, [['replace', { ...present, metadata }]]);
    }
  });

  it('the owner, and nothing of staying, when it shall be deleted after all', async () => {
    const deleting = { ...living, spec: { ...living.spec, deletionPolicy: 'Delete' as const } };
    const { sent, lookAtWork } = world(deleting, [told(workOf('c1'))]);
    await lookAtWork('m/c1');
    assert.deepEqual(sent, [['replace', workOf('c1', { ownerReferences: [controller] })]]);
  });

  it('it is deleted as it was seen, once Applied is of its generation', async () => {
    const work = told(workOf('c1', { generation: 3 }));
    for (const generation of [2, 3]) {
      const { sent, lookAtWork } = world(leaving, [answered(work, {}, { generation })]);
      await lookAtWork('m/c1');
      const preconditions = { uid: 'uid-c1', resourceVersion: '7' };
      const [[verb, , options] = []] = sent as unknown[][];
      assert.deepEqual([verb, options], generation === 3 ? ['delete', { preconditions }] : [undefined, undefined]);
    }
  });

  it('nothing for one that is not the hub’s [T29]', async () => {
    const { sent, lookAtWork } = world(leaving, [workOf('c1', { labels: {}, ownerReferences: [] })]);
    await lookAtWork('m/c1');
    await lookAtWork('m/c2');
    assert.deepEqual(sent, []);
  });
});

describe('the finalizer of a module whose Modules stay', () => {
  it('goes when the server has no work any more: the watch may not have shown the last one', async () => {
    const unseen = world(leaving, [], workOf('c1'));
    assert.notDeepEqual(await unseen.look('m'), done);
    assert.deepEqual(unseen.sent, []);
    const gone = world(leaving, []);
    assert.deepEqual(await gone.look('m'), done);
    assert.deepEqual(gone.sent, [
      [
        'patch',
        leaving.metadata,
        {
          type: 'json',
          operations: [
            { op: 'test', path: '/metadata/uid', value: 'u' },
            { op: 'test', path: '/metadata/finalizers/1', value: finalizers.orphan },
            { op: 'remove', path: '/metadata/finalizers/1' },
          ],
        },
        {},
      ],
    ]);
    assert.deepEqual(gone.events, []);
  });

  it('stays while a work is being written that nobody can see yet', async () => {
    const { underWay, look, sent, clock } = world(leaving, []);
    await assert.rejects(underWay.during('m', () => Promise.reject(new Error('no answer'))));
    assert.notDeepEqual(await look('m'), done);
    clock.skip(60_000);
    const arrives = Promise.withResolvers<void>();
    const writing = underWay.during('m', () => arrives.promise);
    const other = underWay.during('other', () => new Promise(() => undefined));
    void other;
    assert.notDeepEqual(await look('m'), done);
    assert.deepEqual(sent, []);
    arrives.resolve();
    await writing;
    clock.skip(2_000);
    assert.deepEqual(await look('m'), done);
    assert.equal(sent.length, 1);
  });

  it('is waited for with a status, which is counted at most once in an interval', async () => {
    const { sent, look, clock, events } = world(leaving, [told(workOf('c1'))]);
    await look('m');
    assert.equal(sent.length, 1);
    assert.match(JSON.stringify(sent), /"reason":"Orphaning".*c1 \(NotApplied\)/);
    assert.deepEqual(
      events.map(({ reason, type }) => [reason, type]),
      [['Orphaning', 'Normal']],
    );
    assert.notDeepEqual(await look('m'), done);
    assert.equal(sent.length, 1);
    clock.skip(1_000);
    assert.deepEqual(await look('m'), done);
  });

  it('is counted again in time also where somebody sets the clock back', async () => {
    const { look, clock } = world(leaving, [told(workOf('c1'))]);
    await look('m');
    clock.setBack(3_600_000);
    clock.skip(1_000);
    assert.deepEqual(await look('m'), done);
  });

  it('goes without whom a force leaves out, told by an event', async () => {
    const forced = {
      ...leaving,
      metadata: { ...leaving.metadata, annotations: { [annotations.forceOrphan]: 'true' } },
    };
    const { sent, look, events } = world(forced, [told(workOf('away'))]);
    await look('m');
    assert.equal(sent.length, 1);
    assert.deepEqual(
      events.map(({ reason, type }) => [reason, type]),
      [['OrphanForced', 'Warning']],
    );
    assert.match(events[0]?.note ?? '', /away \(ClusterUnreachable\)/);
  });
});

describe('who is looked at for Modules that stay', () => {
  const works = [workOf('c1'), workOf('c2')];

  it('all works of a module when what it says of them changed, and at the start', () => {
    const { known } = world(living, works);
    assert.deepEqual(worksOfModule(known, { previous: undefined, current: living }), ['m/c1', 'm/c2']);
    assert.deepEqual(worksOfModule(known, { previous: living, current: leaving }), ['m/c1', 'm/c2']);
    assert.deepEqual(worksOfModule(known, { previous: living, current: { ...living } }), []);
    const plain = {
      ...living,
      metadata: { ...living.metadata, finalizers: [] },
      spec: { ...living.spec, deletionPolicy: 'Delete' as const },
    };
    assert.deepEqual(worksOfModule(known, { previous: undefined, current: plain }), [], 'one like any other');
  });

  it('the module that waits, when one of its works or clusters changes; no other', () => {
    for (const [module, expected] of [
      [leaving, ['m']],
      [living, []],
      [undefined, []],
    ] as const) {
      const { known } = world(module, works);
      assert.deepEqual(modulesOfWork(known, { previous: works[0], current: undefined }), expected);
      assert.deepEqual(
        modulesOfCluster(known, { previous: undefined, current: managedCluster({ name: 'c1' }) }),
        expected,
      );
    }
  });

  it('a work without its module only when it was told to leave the Module', () => {
    const { known } = world(undefined, works);
    assert.deepEqual(worksOfWork(known, { previous: undefined, current: works[0] }), []);
    assert.deepEqual(worksOfWork(known, { previous: undefined, current: told(works[0]!) }), ['m/c1']);
    assert.deepEqual(worksOfWork(world(living, works).known, { previous: undefined, current: works[0] }), ['m/c1']);
  });
});
