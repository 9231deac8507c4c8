import assert from 'node:assert/strict';
import { nodes } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { loadedModules, readNode } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const ready = 'kmm.node.kubernetes.io/kmm-modules.nic.ready';

describe('the life of a node with a loaded module', () => {
  let stage: Stage;
  const node = () => stage.fleet.spoke('edge-1').node('n1');
  const isLoaded = () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('nic');
  const unloads = () => node().kernel.history.filter(({ call, name }) => call === 'remove' && name === 'nic').length;
  const hasLabel = async () => (await readNode(stage.fleet, 'edge-1', 'n1')).metadata.labels?.[ready] === '';
  const patchLabels = (labels: Record<string, string | null>) =>
    stage.fleet
      .spoke('edge-1')
      .plane.client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { metadata: { labels } } });

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic')));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('a cordon unloads nothing, and keeps no module away after a reboot [T27]', async () => {
    await node().cordon();
    await node().restartKubelet();
    await stage.restartSpoke('edge-1');
    await stage.ready('nic');
    assert.ok(await hasLabel());
    assert.equal(unloads(), 0);
    await node().reboot();
    await eventually('the module is in again', isLoaded);
    await eventually('the label is back', hasLabel);
    await node().uncordon();
  });

  it('a NoSchedule taint ends nothing that is loaded [2]', async () => {
    await node().taint({ key: 'maintenance', value: 'soon', effect: 'NoSchedule' });
    await stage.restartSpoke('edge-1');
    await stage.ready('nic');
    assert.ok(isLoaded());
    assert.equal(unloads(), 0);
    await node().untaint('maintenance');
  });

  it('a reboot takes the label away until the module is in the kernel of the new boot [45] [T11]', async () => {
    const resume = node().kernel.pause();
    await node().reboot();
    await eventually('the label is gone', async () => !(await hasLabel()));
    const { bootId } = node().kernel;
    await eventually('the node tells its new boot, and the loader is at work', async () => {
      const current = await readNode(stage.fleet, 'edge-1', 'n1');
      return current.status?.nodeInfo?.bootID === bootId && node().runningContainers() > 0;
    });
    assert.equal(isLoaded(), false);
    assert.equal(await hasLabel(), false);
    resume();
    await eventually('the label is back', hasLabel);
    assert.ok(isLoaded());
  });

  it('a node that loses the selected label gets the module unloaded, and loaded again when it has it back [44] [39]', async () => {
    await patchLabels({ 'node-role.kubernetes.io/worker': null });
    await eventually('the module is out', () => !isLoaded());
    await eventually('the label is gone', async () => !(await hasLabel()));
    await stage.ready('nic');
    await patchLabels({ 'node-role.kubernetes.io/worker': '' });
    await eventually('the module is in', isLoaded);
    await eventually('the label is back', hasLabel);
  });

  it('an untolerated NoExecute taint unloads [3]', async () => {
    await node().taint({ key: 'broken', effect: 'NoExecute' });
    await eventually('the module is out', () => !isLoaded());
    await node().untaint('broken');
    await eventually('the module is in again', isLoaded);
    await stage.ready('nic');
  });

  it('a module that a foreign hand removed is loaded again', async () => {
    await node().kernel.forceRemove('nic');
    await eventually('the module is in again', isLoaded);
  });
});
