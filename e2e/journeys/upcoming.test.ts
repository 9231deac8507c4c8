import assert from 'node:assert/strict';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { loadedModules, readModule, readWork } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

/** Each test begins with what the one before left. */
describe('a kernel that nodes will boot', () => {
  let stage: Stage;
  const upcoming = async () => (await readModule(stage.fleet, 'nic'))?.status?.upcomingKernels?.[0];
  const shipped = async () => JSON.stringify((await readWork(stage.fleet, 'edge-1', 'nic'))?.spec) ?? '';

  before(async () => {
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage([{ name: 'edge-1', nodes, labels: { upgrade: 'soon' } }]);
    const { fleet } = stage;
    await pushDriver(fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9] });
    await stage.apply('nic', fleetSpec(driverSpec(fleet, 'drivers/nic')));
    await stage.ready('nic');
  });
  after(() => stage.stop());

  it('is looked for beforehand: the status says that the cluster would lose the driver on it, and why', async () => {
    const selector = { upgrade: 'soon' };
    await stage.edit('nic', { upcomingKernels: [{ kernelVersion: kernels.el9Next, selector }] });
    const seen = await eventually('the image is missing', async () => {
      const found = await upcoming();
      return found?.reason === 'ImageMissing' ? found : undefined;
    });
    assert.deepEqual([seen.clusters, seen.prepared, seen.exampleCluster], [1, 0, 'edge-1']);
    assert.doesNotMatch(await shipped(), new RegExp(kernels.el9Next));
    // Nothing that runs now is held up by it.
    await stage.ready('nic');
  });

  it('is shipped as soon as its image is there', async () => {
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9Next] });
    await eventually('the cluster is prepared', async () => (await upcoming())?.prepared === 1);
    assert.match(await shipped(), new RegExp(kernels.el9Next));
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    await stage.ready('nic');
  });

  it('has its driver when a node boots it, though hub and cluster do not reach each other', async () => {
    const spoke = stage.fleet.spoke('edge-1');
    await eventually('the cluster has the mapping', async () => {
      const { status } = (await readWork(stage.fleet, 'edge-1', 'nic')) ?? {};
      return status?.conditions?.some(({ type, status: value }) => type === 'Applied' && value === 'True');
    });
    await stage.ready('nic');
    await spoke.disconnect();
    await spoke.node('n1').reboot({ kernel: { release: kernels.el9Next } });
    await eventually('it is loaded', () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('nic'));
    spoke.connect();
    await stage.ready('nic');
  });

  it('that no mapping matches is named, and holds nobody up', async () => {
    await stage.edit('nic', {
      upcomingKernels: [{ kernelVersion: '9.9.9' }],
      moduleSpec: {
        moduleLoader: {
          container: {
            kernelMappings: [
              {
                regexp: '^5\\.14\\..+$',
                containerImage: `${stage.fleet.registry.host}/drivers/nic:\${KERNEL_FULL_VERSION}`,
              },
            ],
          },
        },
      },
    });
    await eventually('it is named', async () => (await upcoming())?.reason === 'NoKernelMapping');
    await stage.ready('nic');
  });
});
