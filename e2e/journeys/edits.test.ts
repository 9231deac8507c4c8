import assert from 'node:assert/strict';
import { controllerRevisions } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { hubNamespace } from '../world/fleet/fleet.ts';
import { loadedModules, readPods, readWork } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('editing a module that is deployed', () => {
  let stage: Stage;
  const history = (node: string) => stage.fleet.spoke('edge-1').node(node).kernel.history;
  const loads = (node: string) =>
    history(node).filter(({ call, name, errno }) => call === 'insert' && name === 'nic' && errno === undefined);
  const mapping = (repository: string) => ({
    regexp: '^.+$',
    containerImage: `${stage.fleet.registry.host}/${repository}:\${KERNEL_FULL_VERSION}`,
  });
  const editContainer = (container: unknown) => stage.edit('nic', { moduleSpec: { moduleLoader: { container } } });

  before(async () => {
    stage = await startStage([
      {
        name: 'edge-1',
        nodes: [
          { name: 'n1', kernel: { release: kernels.el9 } },
          { name: 'n2', kernel: { release: kernels.el9 } },
        ],
      },
    ]);
    const { fleet } = stage;
    await pushDriver(fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9], release: '1' });
    await pushDriver(fleet, { repository: 'drivers/nic-2', module: 'nic', kernels: [kernels.el9], release: '2' });
    const image = await pushPlugin(fleet, 'drivers/plugin', 'v1');
    await stage.apply('nic', fleetSpec(driverSpec(fleet, 'drivers/nic', { devicePlugin: { container: { image } } })));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('a new parameter unloads and loads again with it, on every node [46] [30]', async () => {
    await editContainer({ modprobe: { parameters: ['debug=1', 'name=two words'] } });
    await eventually('both nodes have loaded it with the parameters', () =>
      ['n1', 'n2'].every((node) => loads(node).at(-1)?.parameters.includes('debug=1')),
    );
    await stage.ready('nic');
    for (const node of ['n1', 'n2'])
      assert.deepEqual(
        history(node).map(({ call }) => call),
        ['insert', 'remove', 'insert'],
      );
  });

  it('a new image replaces the module, the plugin having left before [46] [100]', async () => {
    await editContainer({ kernelMappings: [mapping('drivers/nic-2')] });
    await eventually('both nodes have loaded it thrice', () => ['n1', 'n2'].every((node) => loads(node).length === 3));
    await stage.ready('nic');
    const plugins = (await readPods(stage.fleet, 'edge-1')).filter(({ metadata }) =>
      metadata.name.includes('device-plugin'),
    );
    assert.equal(plugins.length, 2);
  });

  it('a new plugin image reloads no module [T12]', async () => {
    const image = await pushPlugin(stage.fleet, 'drivers/plugin', 'v2');
    await stage.edit('nic', { moduleSpec: { devicePlugin: { container: { image } } } });
    await eventually('the plugins run the new image', async () => {
      const pods = (await readPods(stage.fleet, 'edge-1')).filter(({ metadata }) =>
        metadata.name.includes('device-plugin'),
      );
      return pods.length === 2 && pods.every(({ spec }) => spec.containers[0]?.image === image);
    });
    await stage.ready('nic');
    for (const node of ['n1', 'n2']) assert.equal(loads(node).length, 3);
  });

  it('removing the plugin deletes its pods and its counts, and unloads nothing [101] [107]', async () => {
    await stage.edit('nic', { moduleSpec: { devicePlugin: null } });
    await eventually('no plugin runs', async () => {
      const pods = await readPods(stage.fleet, 'edge-1');
      return pods.every(({ metadata }) => !metadata.name.includes('device-plugin'));
    });
    await stage.ready('nic');
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    assert.equal(loads('n1').length, 3);
  });

  it('a tag that moves in the registry moves nothing, also after a restart of the hub [150]', async () => {
    const before = await readWork(stage.fleet, 'edge-1', 'nic');
    await pushDriver(stage.fleet, { repository: 'drivers/nic-2', module: 'nic', kernels: [kernels.el9], release: '3' });
    await stage.restartHub();
    await stage.ready('nic');
    const after = await readWork(stage.fleet, 'edge-1', 'nic');
    assert.deepEqual(after?.spec, before?.spec);
    assert.equal(loads('n1').length, 3);
  });

  it('a hand that edits the work is put back [158]', async () => {
    const before = await readWork(stage.fleet, 'edge-1', 'nic');
    const { client } = stage.fleet.hub;
    const { manifestWorks } = await import('@open-cluster-management/api-types');
    const workload = {
      manifests: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'kmm-modules' } }],
    };
    await client.patch(
      manifestWorks,
      { namespace: 'edge-1', name: 'nic' },
      { type: 'merge', body: { spec: { workload } } },
    );
    await eventually('the work is as it was', async () => {
      const now = await readWork(stage.fleet, 'edge-1', 'nic');
      assert.deepEqual(now?.spec, before?.spec);
      return true;
    });
    await stage.ready('nic');
  });

  it('keeps the last ten versions, and the one that a work still names', async () => {
    const { client } = stage.fleet.hub;
    const versions = async () =>
      (await client.list(controllerRevisions, { namespace: hubNamespace })).items
        .filter(({ metadata }) => metadata.labels?.['kmm.node.kubernetes.io/managedclustermodule.name'] === 'nic')
        .sort((a, b) => a.revision - b.revision);
    const [inUse] = (await versions()).slice(-1);
    // Nothing is shipped of an image that is not there: the cluster stays where it is.
    for (let edit = 1; edit <= 12; edit += 1) {
      await editContainer({ kernelMappings: [mapping(`drivers/absent-${edit}`)] });
      await eventually(`version ${edit} is kept`, async () =>
        JSON.stringify(await versions()).includes(`absent-${edit}:`),
      );
    }
    await eventually('the oldest are gone', async () => {
      const kept = await versions();
      assert.deepEqual(kept.map(({ metadata }) => metadata.name).includes(inUse?.metadata.name ?? ''), true);
      assert.equal(kept.length, 11);
      return true;
    });
    assert.equal(loads('n1').length, 3);
  });
});
