import assert from 'node:assert/strict';
import { managedClusters, parseReport } from '@open-cluster-management/api-types';
import { annotations, kernelClaim } from '../../shared/kube/names.ts';
import { pods } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import {
  loadedModules,
  readModule,
  readNode,
  readPods,
  readSpokeModule,
  readWork,
  readWorks,
} from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const ready = 'kmm.node.kubernetes.io/kmm-modules.nic.ready';
const pluginReady = 'kmm.node.kubernetes.io/kmm-modules.nic.device-plugin-ready';

describe('the main job: one object on the hub, a module in the kernels of a cluster', () => {
  let stage: Stage;
  let pinned: Record<string, string>;

  before(async () => {
    stage = await startStage([
      {
        name: 'edge-1',
        nodes: [
          { name: 'n1', kernel: { release: kernels.el9 } },
          { name: 'n2', kernel: { release: kernels.debian } },
        ],
      },
    ]);
    pinned = await pushDriver(stage.fleet, {
      repository: 'drivers/nic',
      module: 'nic',
      kernels: [kernels.el9, kernels.el9Next, kernels.debian],
    });
  });
  after(() => stage.stop());

  it('loads the right image on each node and says so, truthfully [21] [145] [149]', async () => {
    const { fleet } = stage;
    const plugin = await pushPlugin(fleet, 'drivers/nic-plugin', 'v1');
    await stage.apply(
      'nic',
      fleetSpec(driverSpec(fleet, 'drivers/nic', { devicePlugin: { container: { image: plugin } } })),
    );
    const object = await stage.ready('nic');
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n1'), ['nic']);
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n2'), ['nic']);
    assert.deepEqual([object.status?.numberDesired, object.status?.numberApplied], [1, 1]);
    const mappings = (await readSpokeModule(fleet, 'edge-1', 'nic'))?.spec.moduleLoader?.container.kernelMappings;
    assert.deepEqual(
      mappings?.map(({ literal, containerImage }) => [literal, containerImage]),
      [kernels.el9, kernels.debian].map((kernel) => [kernel, pinned[kernel]]),
    );
  });

  it('knows the kernels from the claim that the spoke made [142] [165]', async () => {
    const cluster = await stage.fleet.hub.client.get(managedClusters, { name: 'edge-1' });
    const claim = cluster?.status?.clusterClaims?.find(({ name }) => name === kernelClaim);
    assert.deepEqual(claim?.value?.split('\n'), [kernels.el9, kernels.debian].sort());
  });

  it('tells on the hub, by feedback, what the spoke counted [105] [152] [170]', async () => {
    const { fleet } = stage;
    await eventually('the hub was told of two nodes with module and plugin, as the spoke counts them', async () => {
      const [work, module] = [await readWork(fleet, 'edge-1', 'nic'), await readSpokeModule(fleet, 'edge-1', 'nic')];
      const values = work?.status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values ?? [];
      const value = (name: string) => values.find((each) => each.name === name)?.fieldValue;
      const told = {
        loader: value('moduleLoader.availableNumber')?.integer,
        plugin: value('devicePlugin.availableNumber')?.integer,
        nodes: parseReport(value('report')?.string ?? '')?.nodes,
        state: value('state')?.string,
      };
      const { moduleLoader, devicePlugin, report = '', observedState } = module?.status ?? {};
      const counted = {
        loader: moduleLoader?.availableNumber,
        plugin: devicePlugin?.availableNumber,
        nodes: parseReport(report)?.nodes,
        state: observedState,
      };
      const expected = {
        loader: 2,
        plugin: 2,
        nodes: [2, 2, 0, 0],
        state: work?.metadata.annotations?.[annotations.state],
      };
      assert.deepEqual({ told, counted }, { told: expected, counted: expected });
      return true;
    });
  });

  it('labels the nodes where module and plugin really run [27] [38] [99]', async () => {
    const { metadata } = await readNode(stage.fleet, 'edge-1', 'n1');
    assert.equal(metadata.labels?.['kmm.node.kubernetes.io/kernel-version.full'], kernels.el9);
    assert.equal(metadata.labels?.[ready], '');
    assert.equal(metadata.labels?.[pluginReady], '');
  });

  it('follows a node into another kernel: mapping added, image of that kernel loaded [22] [47] [154]', async () => {
    const { fleet } = stage;
    await fleet
      .spoke('edge-1')
      .node('n1')
      .reboot({ kernel: { release: kernels.el9Next } });
    await eventually('the module is in the new kernel', () => loadedModules(fleet, 'edge-1', 'n1').includes('nic'));
    await eventually('the work maps both kernels', async () => {
      const mappings =
        (await readSpokeModule(fleet, 'edge-1', 'nic'))?.spec.moduleLoader?.container.kernelMappings ?? [];
      return mappings.some(
        ({ literal, containerImage }) => literal === kernels.el9Next && containerImage === pinned[kernels.el9Next],
      );
    });
    const object = await stage.ready('nic');
    assert.ok(
      object.status?.images?.some(
        ({ kernelVersion, state }) => kernelVersion === kernels.el9Next && state === 'Verified',
      ),
    );
    await eventually(
      'the label is back',
      async () => (await readNode(fleet, 'edge-1', 'n1')).metadata.labels?.[ready] === '',
    );
  });

  it('unloads everywhere when the object is deleted, and leaves nothing behind [42] [43] [157]', async () => {
    const { fleet } = stage;
    await stage.remove('nic');
    await eventually('no work is left', async () => (await readWorks(fleet)).length === 0);
    assert.equal(await readSpokeModule(fleet, 'edge-1', 'nic'), undefined);
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n1'), []);
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n2'), []);
    await eventually('no pod is left', async () => (await readPods(fleet, 'edge-1')).length === 0);
    for (const name of ['n1', 'n2']) {
      const { labels = {} } = (await readNode(fleet, 'edge-1', name)).metadata;
      assert.deepEqual(
        Object.keys(labels).filter((label) => label.includes('.nic.')),
        [],
      );
    }
    assert.equal(await readModule(fleet, 'nic'), undefined);
    assert.equal((await fleet.spoke('edge-1').plane.client.list(pods)).items.length, 0);
  });
});
