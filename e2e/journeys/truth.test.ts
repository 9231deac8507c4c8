import assert from 'node:assert/strict';
import { managedClusters } from '@open-cluster-management/api-types';
import { kernelClaim } from '../../shared/kube/names.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readSpokeModule, readWork } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('what goes wrong is said where one looks', () => {
  let stage: Stage;
  const kernel = (node: string) => stage.fleet.spoke('edge-1').node(node).kernel;
  const parametersOf = (node: string) =>
    kernel(node)
      .history.filter(({ call, name, errno }) => call === 'insert' && name === 'nic' && errno === undefined)
      .at(-1)?.parameters;
  const hubStatus = async (name: string) => JSON.stringify((await readModule(stage.fleet, name))?.status);
  const spokeStatus = async (name: string) =>
    JSON.stringify((await readSpokeModule(stage.fleet, 'edge-1', name))?.status);

  before(async () => {
    stage = await startStage([
      {
        name: 'edge-1',
        nodes: [
          { name: 'n1', kernel: { release: kernels.el9 } },
          { name: 'n2', kernel: { release: kernels.el9, trustedSigners: ['somebody else'] } },
        ],
      },
    ]);
  });
  after(() => stage.stop());

  it("a kernel that refuses the module: modprobe's own line in both statuses, and Ready is False [205] [T20]", async () => {
    const { fleet } = stage;
    await pushDriver(fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await stage.apply('nic', fleetSpec(driverSpec(fleet, 'drivers/nic')));
    await eventually('the hub tells of it', async () =>
      (await hubStatus('nic')).includes('Required key not available'),
    );
    assert.match((await spokeStatus('nic')) ?? '', /RequiredKeyNotAvailable/);
    const object = await eventually('the cluster counts as failed', async () => {
      const seen = await readModule(fleet, 'nic');
      return seen?.status?.clusters?.some(({ state }) => state === 'Failed') ? seen : undefined;
    });
    assert.match(conditionOf(object, 'Ready'), /^False /);
    assert.match(conditionOf(object, 'Degraded'), /^True /);
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n1'), ['nic']);
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n2'), []);
  });

  it('once the cause is gone the module is loaded, and Ready is True', async () => {
    await stage.fleet
      .spoke('edge-1')
      .node('n2')
      .reboot({ kernel: { trustedSigners: [] } });
    await stage.fleet
      .spoke('edge-1')
      .node('n2')
      .reboot({ kernel: { trustedSigners: undefined } });
    await stage.ready('nic');
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n2'), ['nic']);
  });

  it('a module in use is not replaced, both statuses say who uses it, and it goes on when it is free [206]', async () => {
    await kernel('n1').hold('nic');
    await stage.edit('nic', { moduleSpec: { moduleLoader: { container: { modprobe: { parameters: ['debug=1'] } } } } });
    await eventually('the spoke says it', async () => /use count 1/i.test((await spokeStatus('nic')) ?? ''));
    await eventually('the hub says it', async () => /use count 1/i.test((await hubStatus('nic')) ?? ''));
    assert.equal(parametersOf('n1'), '');
    await kernel('n1').releaseHold('nic');
    await stage.ready('nic');
    assert.equal(parametersOf('n1'), 'debug=1');
    assert.equal(parametersOf('n2'), 'debug=1');
  });

  it('a module in use keeps its deleted Module, which says so, until it is free [206] [43]', async () => {
    const { fleet } = stage;
    await kernel('n1').hold('nic');
    await stage.remove('nic');
    await eventually('the spoke says that it is in use', async () =>
      (await spokeStatus('nic'))?.includes('ModuleInUse'),
    );
    assert.deepEqual(loadedModules(fleet, 'edge-1', 'n1'), ['nic']);
    assert.notEqual(await readSpokeModule(fleet, 'edge-1', 'nic'), undefined);
    await kernel('n1').releaseHold('nic');
    await eventually('it is out once nobody uses it', () => loadedModules(fleet, 'edge-1', 'n1').length === 0);
    await eventually('the Module is gone', async () => (await readSpokeModule(fleet, 'edge-1', 'nic')) === undefined);
  });

  it('an image that is missing is named, nothing is shipped, and it goes on when the image appears [82] [145]', async () => {
    const { fleet } = stage;
    await stage.apply('late', fleetSpec(driverSpec(fleet, 'drivers/late')));
    await eventually('the image is named as missing', async () => {
      const images = (await readModule(fleet, 'late'))?.status?.images ?? [];
      return images.some(({ state, kernelVersion }) => state === 'Missing' && kernelVersion === kernels.el9);
    });
    assert.equal(await readWork(fleet, 'edge-1', 'late'), undefined);
    assert.match(conditionOf(await readModule(fleet, 'late'), 'ImagesReady'), /^False /);
    await pushDriver(fleet, { repository: 'drivers/late', module: 'late', kernels: [kernels.el9] });
    await stage.ready('late');
    assert.ok(loadedModules(fleet, 'edge-1', 'n1').includes('late'));
  });

  it('hostile kernels in a claim are ignored and named; the others are served', async () => {
    const { fleet } = stage;
    await fleet.spoke('edge-1').disconnect();
    const value = `${kernels.el9}\n../../etc\n$(reboot)`;
    const body = { status: { clusterClaims: [{ name: kernelClaim, value }] } };
    await fleet.hub.client.patch(
      managedClusters,
      { name: 'edge-1' },
      { type: 'merge', body },
      { subresource: 'status' },
    );
    const object = await eventually('they are named', async () => {
      const seen = await readModule(fleet, 'late');
      return (seen?.status?.ignoredKernels?.length ?? 0) === 2 ? seen : undefined;
    });
    assert.ok(object.status?.ignoredKernels?.every(({ cluster }) => cluster === 'edge-1'));
    const spec = JSON.stringify((await readWork(fleet, 'edge-1', 'late'))?.spec);
    assert.ok(spec.includes(kernels.el9) && !spec.includes('reboot'));
    fleet.spoke('edge-1').connect();
  });
});
