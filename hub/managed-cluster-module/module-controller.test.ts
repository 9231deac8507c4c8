import assert from 'node:assert/strict';
import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { Store } from '../../shared/kube/store.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { indexes } from '../controllers.ts';
import { managedCluster, moduleSpec, spokeNamespace } from '../testing/pictures.ts';
import { Demand } from './demand.ts';
import { Digests } from './digests.ts';
import type { Fleet } from './gather.ts';
import { moduleReconcile } from './module-controller.ts';
import { ModuleViews } from './module-view.ts';
import { Records } from './records.ts';

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
  const revisions = new Store<ControllerRevision>(indexes.revisions);
  modules.set(module);
  for (const name of ['c1', 'c2']) clusters.set(managedCluster({ name, labels: { tier: 'edge' } }));
  clusters.set(managedCluster({ name: 'c3' }));
  const create = async (_: unknown, object: unknown) => {
    revisions.set(object as ControllerRevision);
    return object;
  };
  const fleet = {
    modules,
    clusters,
    revisions,
    works: new Store<ManifestWork>(indexes.works),
    namespace: 'hub',
    moduleViews: new ModuleViews(),
    digests: new Digests({ ofRevision: () => [] }),
  } as unknown as Fleet;
  const looked: string[] = [];
  const reconcile = moduleReconcile({
    client: fakeClient({ create: create as never }),
    fleet,
    demand: new Demand({ want: () => undefined, forget: () => undefined, warnings: () => [] }),
    records: new Records(() => undefined),
    look: (key) => looked.push(key),
  });
  const looks = async () => {
    looked.length = 0;
    await reconcile('m');
    return [...looked].sort();
  };
  return { modules, clusters, looks };
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

  it('that is gone has its clusters looked at once more: what was remembered of them goes with it', async () => {
    const { modules, looks } = world();
    await looks();
    await looks();
    modules.delete('m');
    assert.deepEqual(await looks(), ['m/c1', 'm/c2']);
    assert.deepEqual(await looks(), []);
  });
});
