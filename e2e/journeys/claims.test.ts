import assert from 'node:assert/strict';
import { managedClusters } from '@open-cluster-management/api-types';
import { kernelClaim } from '../../shared/kube/names.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { conditionOf, loadedModules, readModule, readWork, readWorks } from '../world/fleet/observe.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('clusters that do not say which kernels they run', () => {
  let stage: Stage;
  const claim = (cluster: string, ...values: string[]) => {
    const clusterClaims = values.map((value) => ({ name: kernelClaim, value }));
    const patch = { type: 'merge', body: { status: { clusterClaims } } } as const;
    return stage.fleet.hub.client.patch(managedClusters, { name: cluster }, patch, { subresource: 'status' });
  };
  const saidOf = async (cluster: string, module = 'nic') => {
    const found = (await readModule(stage.fleet, module))?.status?.clusters?.find(({ name }) => name === cluster);
    return `${found?.state} ${found?.reason}: ${found?.message}`;
  };
  const isLoaded = (cluster: string, node = 'n1') => loadedModules(stage.fleet, cluster, node).includes('nic');

  before(async () => {
    const nodes = [{ name: 'n1', kernel: { release: kernels.el9 } }];
    stage = await startStage([
      { name: 'edge-1', nodes },
      { name: 'edge-2', nodes: [...nodes, { name: 'n2', kernel: { release: kernels.debian } }] },
    ]);
    await pushDriver(stage.fleet, { repository: 'drivers/nic', module: 'nic', kernels: [kernels.el9, kernels.debian] });
    await stage.fleet.spoke('edge-2').disconnect();
    await claim('edge-2');
    await stage.apply('nic', fleetSpec(driverSpec(stage.fleet, 'drivers/nic')));
  });
  after(() => stage.stop());

  it('no claim: it is named and gets nothing; others are served [143]', async () => {
    await stage.ready('nic', 'False NoKernelClaim');
    await eventually('the other one is served', () => isLoaded('edge-1'));
    assert.match(await saidOf('edge-2'), /^Waiting NoKernelClaim: reports no kernels/);
    assert.match(
      conditionOf(await readModule(stage.fleet, 'nic'), 'InventoryComplete'),
      /^False NoKernelClaim: .*edge-2/,
    );
    assert.deepEqual(
      (await readWorks(stage.fleet)).map(({ metadata }) => metadata.namespace),
      ['edge-1'],
    );
  });

  it('an empty claim: the same, by another name', async () => {
    await claim('edge-2', '\n');
    await eventually('it is named', async () => /^Waiting NoKernels: /.test(await saidOf('edge-2')));
    assert.equal((await readWorks(stage.fleet)).length, 1);
  });

  it('a garbled claim: each line that is no kernel is named, and nothing is shipped', async () => {
    await claim('edge-2', '\u0000\u0001\n{"kernel": 5}\n; reboot');
    const object = await eventually('the lines are named', async () => {
      const seen = await readModule(stage.fleet, 'nic');
      return (seen?.status?.ignoredKernels?.length ?? 0) > 1 ? seen : undefined;
    });
    assert.doesNotMatch(JSON.stringify(object.status), /\\u0000/);
    assert.match(await saidOf('edge-2'), /^Waiting (NoKernels|KernelsIgnored): /);
    assert.equal((await readWorks(stage.fleet)).length, 1);
  });

  it('once it tells them, it is served', async () => {
    stage.fleet.spoke('edge-2').connect();
    await stage.ready('nic');
    assert.ok(isLoaded('edge-2') && isLoaded('edge-2', 'n2'));
  });

  it('one that loses its claim keeps what it has, and is named [143]', async () => {
    const before = await readWork(stage.fleet, 'edge-2', 'nic');
    await stage.fleet.spoke('edge-2').disconnect();
    for (const values of [[], ['\n'], ['\u0000']]) {
      await claim('edge-2', ...values);
      await eventually('it is named', async () => {
        const seen = conditionOf(await readModule(stage.fleet, 'nic'), 'InventoryComplete');
        return /^False (NoKernelClaim|NoKernels|KernelsIgnored): .*edge-2/.test(seen);
      });
      assert.deepEqual((await readWork(stage.fleet, 'edge-2', 'nic'))?.spec, before?.spec);
    }
    stage.fleet.spoke('edge-2').connect();
    await eventually('its kernels are known again', async () =>
      conditionOf(await readModule(stage.fleet, 'nic'), 'InventoryComplete').startsWith('True'),
    );
    assert.deepEqual(
      stage.fleet
        .spoke('edge-2')
        .node('n2')
        .kernel.history.map(({ call }) => call),
      ['insert'],
    );
  });

  it('a kernel that no mapping matches is left alone and named; the other nodes are served; the status says by which mapping [7] [216]', async () => {
    const spec = driverSpec(stage.fleet, 'drivers/picky');
    const container = spec.moduleLoader!.container;
    const base = container.kernelMappings[0]!;
    container.kernelMappings = [
      { ...base, regexp: '^.+\\fel9' },
      { ...base, regexp: 'el9' },
    ];
    await pushDriver(stage.fleet, { repository: 'drivers/picky', module: 'picky', kernels: [kernels.el9] });
    await stage.apply('picky', fleetSpec(spec));
    const object = await stage.ready('picky');
    assert.deepEqual(object.status?.unmappedKernels, [
      { kernelVersion: kernels.debian, clusters: 1, exampleCluster: 'edge-2' },
    ]);
    assert.deepEqual(object.status?.kernelMappings, [
      { index: 0, regexp: '^.+\\fel9', clusters: 0 },
      { index: 1, regexp: 'el9', clusters: 2, kernels: [kernels.el9] },
    ]);
    assert.ok(loadedModules(stage.fleet, 'edge-2', 'n1').includes('picky'));
    assert.ok(!loadedModules(stage.fleet, 'edge-2', 'n2').includes('picky'));
  });

  it('an unclosed brace in one mapping is an error of that kernel only, and named; unknown variables are empty [12]', async () => {
    const spec = driverSpec(stage.fleet, 'drivers/braces');
    const { host } = stage.fleet.registry;
    spec.moduleLoader!.container.kernelMappings = [
      { regexp: 'el9', containerImage: `${host}/drivers/braces:\${KERNEL_FULL_VERSION}\${NOBODY}` },
      { regexp: '^.+$', containerImage: `${host}/drivers/braces:\${KERNEL_FULL_VERSION` },
    ];
    await pushDriver(stage.fleet, { repository: 'drivers/braces', module: 'braces', kernels: [kernels.el9] });
    await stage.apply('braces', fleetSpec(spec));
    await eventually('it is named', async () =>
      /KernelMappingError: .*6\.1\.0-28-amd64.*kernelMappings\[1\]/.test(await saidOf('edge-2', 'braces')),
    );
    const loaded = (cluster: string) => loadedModules(stage.fleet, cluster, 'n1').includes('braces');
    await eventually('the other kernel is served', () => loaded('edge-1') && loaded('edge-2'));
    assert.ok(!loadedModules(stage.fleet, 'edge-2', 'n2').includes('braces'));
  });

  it('an image that is missing for one kernel only holds up who runs that kernel, and names it [82]', async () => {
    await pushDriver(stage.fleet, { repository: 'drivers/half', module: 'half', kernels: [kernels.el9] });
    await stage.apply('half', fleetSpec(driverSpec(stage.fleet, 'drivers/half')));
    await eventually('the other cluster is served', () => loadedModules(stage.fleet, 'edge-1', 'n1').includes('half'));
    assert.match(
      await saidOf('edge-2', 'half'),
      /ImageMissing: kernel 6\.1\.0-28-amd64, image .*\/drivers\/half:6\.1\.0-28-amd64/,
    );
    assert.equal(await readWork(stage.fleet, 'edge-2', 'half'), undefined);
    await pushDriver(stage.fleet, { repository: 'drivers/half', module: 'half', kernels: [kernels.debian] });
    await stage.ready('half');
    assert.ok(loadedModules(stage.fleet, 'edge-2', 'n2').includes('half'));
  });
});
