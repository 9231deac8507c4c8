import assert from 'node:assert/strict';
import { daemonSets } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { spokeNamespace } from '../world/fleet/fleet.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

/** From the spec on the hub to the kernel of a node: who comes and goes there, and in which order. */
describe('in the kernel of a node', () => {
  let stage: Stage;
  const kernel = () => stage.fleet.spoke('edge-1').node('n1').kernel;
  const calls = () => kernel().history.map(({ call, name }) => `${call} ${name}`);
  const present = () =>
    kernel()
      .modules()
      .map(({ name }) => name);
  const inTree = ['list_of_mapping', 'list_of_all', 'one_of_mapping', 'one_of_all'].map((name) => ({
    name,
    loaded: true,
  }));

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9, inTree } }] }]);
    const known = [kernels.el9, kernels.el9Next];
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', also: ['helper'], kernels: known });
    await pushDriver(stage.fleet, { repository: 'drivers/disk', module: 'disk', kernels: known });
  });
  after(() => stage.stop());

  it('the in-tree list of the mapping goes first, not that of the container; then the loading order from its end [18] [33] [35]', async () => {
    const spec = driverSpec(stage.fleet, 'drivers/nic');
    const { container } = spec.moduleLoader!;
    container.inTreeModulesToRemove = ['list_of_all'];
    container.kernelMappings[0]!.inTreeModulesToRemove = ['list_of_mapping'];
    container.modprobe.modulesLoadingOrder = ['nic', 'helper'];
    await stage.apply('nic', fleetSpec(spec));
    await stage.ready('nic');
    assert.deepEqual(calls(), ['remove list_of_mapping', 'insert helper', 'insert nic']);
    assert.ok(present().includes('list_of_all'));
  });

  it('the single in-tree module of the mapping wins over that of the container [17]', async () => {
    const spec = driverSpec(stage.fleet, 'drivers/disk');
    const { container } = spec.moduleLoader!;
    container.inTreeModuleToRemove = 'one_of_all';
    container.kernelMappings[0]!.inTreeModuleToRemove = 'one_of_mapping';
    await stage.apply('disk', fleetSpec(spec));
    await stage.ready('disk');
    assert.deepEqual(calls().slice(3), ['remove one_of_mapping', 'insert disk']);
    assert.ok(present().includes('one_of_all'));
  });

  it('unloading goes from the head of the order, and brings no in-tree module back [33] [36]', async () => {
    const before = calls().length;
    await stage.remove('nic');
    await eventually('all of it is out', () => !present().includes('helper'));
    assert.deepEqual(calls().slice(before), ['remove nic', 'remove helper']);
    assert.ok(!present().includes('list_of_mapping'));
  });

  it('a new kernel has its own DaemonSet; that of the kernel which nobody runs any more goes [50]', async () => {
    const { plane } = stage.fleet.spoke('edge-1');
    const kernelsOf = async () => {
      const { items } = await plane.client.list(daemonSets, { namespace: spokeNamespace });
      return items.map(({ metadata }) => Object.values(metadata.labels ?? {}).find((label) => label.includes('el9')));
    };
    assert.deepEqual(await kernelsOf(), [kernels.el9]);
    await stage.fleet
      .spoke('edge-1')
      .node('n1')
      .reboot({ kernel: { release: kernels.el9Next } });
    await eventually('the DaemonSet of the new kernel only', async () => {
      assert.deepEqual(await kernelsOf(), [kernels.el9Next]);
      return true;
    });
    await stage.ready('disk');
    assert.ok(present().includes('disk'));
  });
});
