import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import type { ConfigMap } from '../../shared/kube/object.ts';
import { configMaps, jobs, pods } from '../../shared/kube/resources.ts';
import { isPodReady, purposeOf } from '../../spoke/pods.ts';
import { eventually } from '../world/eventually.ts';
import { pushPlugin } from '../world/fleet/drivers.ts';
import { hubNamespace, spokeNamespace } from '../world/fleet/fleet.ts';
import { loadedModules, readWork } from '../world/fleet/observe.ts';
import { koFile, vermagicOf } from '../world/kernel/ko.ts';
import { buildModuleImage } from '../world/registry/module-image.ts';
import { ImageInputs } from './image-inputs.ts';
import { createSampleLogin, readSample } from './sample-files.ts';
import { type Stage, startStage } from './stage.ts';

const kernel = '5.14.0-570.12.1.el9_6.x86_64';

describe('the samples of a hub do what they say', () => {
  let stage: Stage;
  const node = () => stage.fleet.spoke('edge-1').node('n1');
  const sample = (name: string) => readSample<ManagedClusterModule>(name, stage.fleet.registry.host);
  /** As an admin applies it, but for the rollout: waves take time, and have journeys of their own. Gives its name. */
  const apply = async (file: string) => {
    const { metadata, spec } = sample(file);
    assert.ok(spec !== undefined);
    await stage.apply(metadata.name, { ...spec, rollout: { type: 'All' } });
    await stage.ready(metadata.name);
    return metadata.name;
  };
  const assertLoaded = (module: string) => assert.ok(loadedModules(stage.fleet, 'edge-1', 'n1').includes(module));
  /** An image of a vendor's, with firmware. */
  const push = async (repository: string, module: string) => {
    const ko = koFile({ name: module, vermagic: vermagicOf(kernel) });
    const kernels = { [kernel]: { [`${module}.ko`]: ko } };
    const image = await buildModuleImage({ kernels, folder: '', firmware: { 'a.bin': 'a' } });
    await stage.fleet.push(repository, kernel, image);
  };
  const stepsOf = async (name: string) => {
    const { items } = await stage.fleet.hub.client.list(jobs, { namespace: hubNamespace });
    const own = items.filter(({ metadata }) => metadata.name.startsWith(`${name}-`));
    return own.map(({ metadata }) => metadata.labels?.['kmm.openshift.io/build.type']).sort();
  };

  before(async () => {
    const inTree = [{ name: 'accelerator_legacy', loaded: true }];
    const labels = { 'kernel-modules.example.com/simple-kmod': '', 'example.com/accelerator': 'present' };
    const selected = { 'example.com/simple-kmod': 'true', 'example.com/storage': 'vendor' };
    stage = await startStage(
      [
        {
          name: 'edge-1',
          labels: { ...selected, 'example.com/accelerator': 'true' },
          nodes: [{ name: 'n1', kernel: { release: kernel, inTree }, labels }],
        },
        { name: 'edge-2', nodes: [{ name: 'n2', kernel: { release: kernel }, labels }] },
      ],
      { builder: true, hubConfig: { job: { gcDelay: '10h' } } },
    );
    const { fleet } = stage;
    await createSampleLogin(fleet.hub.client, hubNamespace);
    await createSampleLogin(fleet.spoke('edge-1').plane.client, spokeNamespace);
    const inputs = new ImageInputs(() => fleet.hub.client, hubNamespace);
    await inputs.keyPair('signing', 'sign');
    await inputs.secret('source-credentials', 'build', { header: 'Authorization: Basic eA==' });
    await inputs.toolkits([kernel]);
    const dockerfile = readSample<ConfigMap>('build-and-sign-dockerfile', fleet.registry.host);
    await fleet.hub.client.create(configMaps, dockerfile);
  });
  after(() => stage?.stop());

  it('build-and-sign.yaml: built under the temporary name, signed, and then shipped where its labels are [84] [85] [217]', async () => {
    const name = await apply('build-and-sign');
    assertLoaded('simple_kmod');
    const tags = stage.fleet.registry.store.tags('kernel-modules/simple-kmod');
    assert.deepEqual(tags, [kernel, `${kernel}-${hubNamespace}_simple-kmod_kmm_unsigned`]);
    assert.deepEqual(await stepsOf(name), ['build', 'sign']);
    assert.equal(await readWork(stage.fleet, 'edge-2', name), undefined);
    assert.deepEqual(loadedModules(stage.fleet, 'edge-2', 'n2'), []);
  });

  it('sign-prebuilt.yaml: the vendor’s image is signed and pushed under another name, and nothing is built [83] [217]', async () => {
    await push('net/vendor/storage', 'vendor_storage');
    const name = await apply('sign-prebuilt');
    assertLoaded('vendor_storage');
    const { store } = stage.fleet.registry;
    assert.deepEqual(store.tags('signed/vendor-storage'), [kernel]);
    assert.notEqual(
      store.manifest('signed/vendor-storage', kernel)?.digest,
      store.manifest('net/vendor/storage', kernel)?.digest,
    );
    assert.deepEqual(await stepsOf(name), ['sign']);
  });

  it('managed-cluster-module.yaml: the in-tree module goes, module and firmware come, and the plugin follows [35] [56] [217]', async () => {
    // What the driver makes, and the plugin mounts.
    await mkdir(join(node().hostRoot, 'dev/accelerator'), { recursive: true });
    await push('kernel-modules/accelerator', 'accelerator');
    await pushPlugin(stage.fleet, 'kernel-modules/accelerator-device-plugin', '1.4.0');
    const before = node().kernel.history.length;
    const name = await apply('managed-cluster-module');
    assertLoaded('accelerator');
    const calls = node().kernel.history.slice(before);
    assert.deepEqual(
      calls.map((each) => `${each.call} ${each.name}`),
      ['remove accelerator_legacy', 'insert accelerator'],
    );
    assert.ok(existsSync(join(node().hostRoot, 'var/lib/firmware/a.bin')));
    const { client } = stage.fleet.spoke('edge-1').plane;
    const plugin = await eventually('the plugin runs', async () => {
      const { items } = await client.list(pods, { namespace: spokeNamespace });
      return items.find((pod) => purposeOf(pod) === 'device-plugin' && isPodReady(pod));
    });
    const { container, volumes = [] } = sample('managed-cluster-module').spec!.moduleSpec!.devicePlugin!;
    const { env, resources, volumeMounts = [] } = container;
    assert.partialDeepStrictEqual(plugin.spec.containers[0], { image: container.image, env, resources });
    for (const mount of volumeMounts) {
      assert.ok(plugin.spec.containers[0]?.volumeMounts?.some(({ mountPath }) => mountPath === mount.mountPath));
    }
    assert.partialDeepStrictEqual(
      plugin.spec.volumes?.find(({ name: each }) => each === volumes[0]?.name),
      volumes[0],
    );
    assert.equal(await readWork(stage.fleet, 'edge-2', name), undefined);
  });
});
