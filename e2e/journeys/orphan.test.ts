import assert from 'node:assert/strict';
import { managedClusterModules, managedClusters } from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import { events } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import {
  conditionOf,
  loadedModules,
  readModule,
  readSpokeModule,
  readWork,
  readWorks,
} from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

/** Each test begins with what the one before left. */
describe('a module whose deletion leaves its Modules behind', () => {
  let stage: Stage;
  const clusters = ['edge-1', 'edge-2'];
  const calls = (cluster: string) =>
    stage.fleet
      .spoke(cluster)
      .node('n1')
      .kernel.history.map(({ call, name }) => `${call} ${name}`);
  const apply = async () => {
    const spec = fleetSpec(driverSpec(stage.fleet, 'drivers/nic'));
    await stage.apply('nic', { ...spec, deletionPolicy: 'Orphan' });
    await stage.ready('nic');
  };
  const isGone = async () => (await readModule(stage.fleet, 'nic')) === undefined;
  const isTold = async (cluster: string) =>
    (await readWork(stage.fleet, cluster, 'nic'))?.spec.deleteOption?.propagationPolicy === 'Orphan';
  const ownersOf = async (cluster: string) => (await readWork(stage.fleet, cluster, 'nic'))?.metadata.ownerReferences;
  const staysOn = async (cluster: string) => {
    const module = await readSpokeModule(stage.fleet, cluster, 'nic');
    assert.equal(module?.metadata.deletionTimestamp, undefined);
    assert.equal(module?.metadata.ownerReferences?.length ?? 0, 0, 'it belongs to no work any more');
    assert.ok(module && loadedModules(stage.fleet, cluster, 'n1').includes('nic'));
  };
  const isLoadedOnce = () => {
    for (const cluster of clusters) assert.deepEqual(calls(cluster), ['insert nic']);
  };
  const notes = async (reason: string) => {
    const { items } = await stage.fleet.hub.client.list(events);
    return items.filter((event) => event.reason === reason).map(({ note }) => note);
  };
  /** And says what OCM says when the lease has run out, without waiting for it. */
  const disconnect = async (cluster: string) => {
    const { client } = stage.fleet.hub;
    await stage.fleet.spoke(cluster).disconnect();
    const { status } = (await client.get(managedClusters, { name: cluster })) ?? {};
    const conditions = status?.conditions?.map((condition) =>
      condition.type === 'ManagedClusterConditionAvailable' ? { ...condition, status: 'Unknown' } : condition,
    );
    const patch = { type: 'merge', body: { status: { conditions } } } as const;
    await client.patch(managedClusters, { name: cluster }, patch, { subresource: 'status' });
    await eventually(`${cluster} is not available`, async () => {
      const seen = (await readModule(stage.fleet, 'nic'))?.status?.clusters;
      return seen?.some(({ name, state }) => name === cluster && state === 'Unreachable');
    });
  };

  before(async () => {
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage(clusters.map((name) => ({ name, nodes })));
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await apply();
  });
  after(() => stage.stop());

  it('has works that say nothing of it while it lives, and that nobody else can take with it', async () => {
    for (const cluster of clusters) {
      assert.equal(await isTold(cluster), false);
      assert.deepEqual((await ownersOf(cluster)) ?? [], []);
    }
  });

  it('waits for a cluster that is not available, names it, and lets the others go', async () => {
    await disconnect('edge-2');
    await stage.remove('nic');
    await eventually('the work of the other one is gone', async () => (await readWorks(stage.fleet)).length === 1);
    const only = /^False OrphanHeld: .* waits for 1 cluster to confirm: edge-2 \(ClusterUnreachable\)/;
    const object = await eventually('it is named', async () => {
      const seen = await readModule(stage.fleet, 'nic');
      return only.test(conditionOf(seen, 'Ready')) ? seen : undefined;
    });
    assert.match(conditionOf(object, 'Degraded'), /^True OrphanHeld: .*hub\.kmm\.sigs\.x-k8s\.io\/force-orphan=true/);
    await eventually('an event names it', async () =>
      (await notes('OrphanHeld')).some((note) => note.includes('edge-2')),
    );
    await staysOn('edge-1');
    await stage.restartHub();
    assert.equal(await isTold('edge-2'), true);
    assert.equal(await isGone(), false);
  });

  it('goes once that cluster is back: no work is left, every Module is, and nothing was unloaded', async () => {
    stage.fleet.spoke('edge-2').connect();
    await eventually('it is gone', isGone);
    assert.deepEqual(await readWorks(stage.fleet), []);
    for (const cluster of clusters) await staysOn(cluster);
    isLoadedOnce();
  });

  it('one of its name takes the Modules over without unloading anything', async () => {
    await apply();
    for (const cluster of clusters) {
      const module = await readSpokeModule(stage.fleet, cluster, 'nic');
      assert.deepEqual(
        module?.metadata.ownerReferences?.map(({ kind }) => kind),
        ['AppliedManifestWork'],
      );
    }
    isLoadedOnce();
  });

  it('a foreground deletion, which takes what is owned first, takes nothing', async () => {
    await stage.fleet.hub.client.delete(managedClusterModules, { name: 'nic' }, { propagationPolicy: 'Foreground' });
    await eventually('it is gone', isGone);
    assert.deepEqual(await readWorks(stage.fleet), []);
    for (const cluster of clusters) await staysOn(cluster);
    isLoadedOnce();
  });

  it('forced, it goes without the cluster that is away, says so, and what it left behind goes when that is back', async () => {
    await apply();
    await disconnect('edge-2');
    await stage.remove('nic');
    await eventually('it is held', async () =>
      conditionOf(await readModule(stage.fleet, 'nic'), 'Ready').startsWith('False OrphanHeld'),
    );
    const body = { metadata: { annotations: { [annotations.forceOrphan]: 'true' } } };
    await stage.fleet.hub.client.patch(managedClusterModules, { name: 'nic' }, { type: 'merge', body });
    await eventually('it is gone', isGone);
    const [note] = await eventually('an event says what was not confirmed', async () => {
      const said = await notes('OrphanForced');
      return said.length > 0 ? said : undefined;
    });
    assert.match(note ?? '', /without the word of 1 cluster that the Modules stay: edge-2/);
    assert.equal(await isTold('edge-2'), true, 'a work that nobody confirmed is not deleted');
    stage.fleet.spoke('edge-2').connect();
    await eventually('its work goes as well', async () => (await readWorks(stage.fleet)).length === 0);
    for (const cluster of clusters) await staysOn(cluster);
    isLoadedOnce();
  });

  it('that shall delete its Modules after all is one like any other', async () => {
    await apply();
    await stage.edit('nic', { deletionPolicy: 'Delete' });
    await eventually('nothing holds it', async () => {
      const owners = await Promise.all(clusters.map(ownersOf));
      const { finalizers = [] } = (await readModule(stage.fleet, 'nic'))?.metadata ?? {};
      return owners.every((list) => list?.length === 1) && finalizers.length === 0;
    });
    isLoadedOnce();
    await stage.edit('nic', { deletionPolicy: 'Orphan' });
    await eventually('and held again', async () => {
      const owners = await Promise.all(clusters.map(ownersOf));
      return owners.every((list) => (list?.length ?? 0) === 0);
    });
    await stage.edit('nic', { deletionPolicy: 'Delete' });
    await stage.remove('nic');
    await eventually('it is gone with its Modules', async () => {
      const modules = await Promise.all(clusters.map((cluster) => readSpokeModule(stage.fleet, cluster, 'nic')));
      return (await isGone()) && modules.every((module) => module === undefined);
    });
    for (const cluster of clusters) assert.deepEqual(calls(cluster), ['insert nic', 'remove nic']);
  });
});
