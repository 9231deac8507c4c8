import assert from 'node:assert/strict';
import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { finalizers } from '../../shared/kube/names.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { Store } from '../../shared/kube/store.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { indexes } from '../controllers.ts';
import { managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { Demand } from './demand.ts';
import { Digests } from './digests.ts';
import type { Fleet } from './gather.ts';
import { moduleReconcile } from './module-controller.ts';
import { ModuleViews } from './module-view.ts';
import { Records } from './records.ts';
import { revisionName } from './revisions.ts';
import { buildWork } from './work.ts';

const module: ManagedClusterModule = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'm', uid: 'u', generation: 1 },
  spec: { selector: { tier: 'edge' }, spokeNamespace, moduleSpec: moduleSpec() },
};

/** Three clusters, two of them selected; the API server takes every version. */
function world() {
  const modules = new Store<ManagedClusterModule>(indexes.modules);
  const clusters = new Store<ManagedCluster>();
  const works = new Store<ManifestWork>(indexes.works);
  const revisions = new Store<ControllerRevision>(indexes.revisions);
  modules.set(module);
  for (const name of ['c1', 'c2']) clusters.set(managedCluster({ name, labels: { tier: 'edge' } }));
  clusters.set(managedCluster({ name: 'c3' }));
  const create = async (_: unknown, object: unknown) => {
    revisions.set(object as ControllerRevision);
    return object;
  };
  const patched = { count: 0, fails: false };
  /** The finalizer, as a server would add it. */
  const patch = async () => {
    if (patched.fails) throw new Error('forbidden');
    patched.count++;
    const present = modules.get({ name: 'm' })!;
    modules.set({ ...present, metadata: { ...present.metadata, finalizers: [finalizers.orphan] } });
  };
  const fleet = {
    modules,
    clusters,
    revisions,
    works,
    namespace: 'hub',
    moduleViews: new ModuleViews(),
    digests: new Digests({ ofRevision: () => [] }),
  } as unknown as Fleet;
  const records = new Records(() => undefined);
  const problem = () => {
    const found = records.problem('m');
    return found && `${found.reason}: ${found.message}`;
  };
  const looked: string[] = [];
  const reconcile = moduleReconcile({
    client: fakeClient({
      create: create as never,
      patch: patch as never,
      delete: async (_, { namespace, name }) => revisions.delete(`${namespace}/${name}`),
    }),
    fleet,
    demand: new Demand({ want: () => undefined, forget: () => undefined, warnings: () => [] }),
    records,
    look: (key) => looked.push(key),
  });
  const looks = async () => {
    looked.length = 0;
    await reconcile('m');
    return [...looked].sort();
  };
  return { modules, clusters, revisions, works, looks, problem, patched };
}

describe('a module as a whole', () => {
  it('has its clusters looked at once its version is recorded, and again only when it changed', async () => {
    const { modules, looks } = world();
    assert.deepEqual(await looks(), [], 'the version comes back by the watch');
    assert.deepEqual(await looks(), ['m/c1', 'm/c2']);
    assert.deepEqual(await looks(), []);
    modules.set({ ...module, metadata: { ...module.metadata, generation: 2 }, spec: { ...module.spec, selector: {} } });
    assert.deepEqual(await looks(), ['m/c1', 'm/c2', 'm/c3']);
  });

  it('keeps its last ten versions and every one that a work names, and takes none that is someone else’s', async () => {
    const { modules, revisions, works, looks, problem } = world();
    const specOf = (number: number) => moduleSpec({ imageRebuildTriggerGeneration: number });
    for (let number = 1; number <= 14; number++) {
      const generation = { generation: number };
      const spec = { ...module.spec, moduleSpec: specOf(number) };
      modules.set({ ...module, metadata: { ...module.metadata, ...generation }, spec });
      await looks();
      if (number !== 1) continue;
      const revision = revisionName('m', specOf(1));
      const intent = { module: 'm', spokeNamespace, cluster: 'c1', revision, updatedAt: nowText };
      works.set(buildWork({ ...intent, spec: specOf(1) }));
    }
    const kept = revisions.list().map(({ metadata }) => metadata.name);
    const expected = [1, ...Array.from({ length: 10 }, (_, index) => index + 5)];
    assert.deepEqual(kept.sort(), expected.map((number) => revisionName('m', specOf(number))).sort());
    assert.equal(problem(), undefined);
    const [taken] = revisions.list().filter(({ metadata }) => metadata.name === revisionName('m', specOf(14)));
    revisions.set({ ...taken!, metadata: { ...taken!.metadata, ownerReferences: [], labels: {} } });
    await looks();
    assert.match(problem() ?? '', /^RevisionConflict/);
  });

  it('whose Modules shall stay is held before anything else of it is written; that it cannot be is told', async () => {
    const { modules, revisions, looks, problem, patched } = world();
    modules.set({ ...module, spec: { ...module.spec, deletionPolicy: 'Orphan' } });
    assert.deepEqual(await looks(), [], 'the finalizer comes back by the watch');
    assert.equal(revisions.list().length, 0);
    assert.equal(modules.get({ name: 'm' })?.metadata.finalizers?.[0], finalizers.orphan);
    await looks();
    assert.deepEqual(await looks(), ['m/c1', 'm/c2']);
    assert.equal(patched.count, 1);
    const generation = { ...module.metadata, generation: 2 };
    modules.set({ ...module, metadata: generation, spec: { ...module.spec, deletionPolicy: 'Orphan' } });
    patched.fails = true;
    await assert.rejects(looks());
    assert.match(problem() ?? '', /^FinalizerWriteFailed: adding the finalizer .* failed: forbidden/);
  });

  it('that is gone has its clusters looked at once more: what was remembered of them goes with it', async () => {
    const { modules, looks } = world();
    await looks();
    await looks();
    modules.delete('m');
    assert.deepEqual(await looks(), ['m/c1', 'm/c2']);
    assert.deepEqual(await looks(), []);
  });
});
