import assert from 'node:assert/strict';
import type { ImageStatus, ModuleSpec } from '@open-cluster-management/api-types';
import { events, jobs, nodes, pods, secrets } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { hubNamespace, pullSecret } from '../world/fleet/fleet.ts';
import { hubNodeName } from '../world/fleet/hub-node.ts';
import { loadedModules, readModule, readWork } from '../world/fleet/observe.ts';
import { dockerfile, ImageInputs, signedBy, variable } from './image-inputs.ts';
import { untilImagesReady } from './image-steps.ts';
import { fleetSpec, kernels, type Stage, startStage } from './stage.ts';

const unsignedTag = (kernel: string) => `${kernel}-${hubNamespace}_nic_kmm_unsigned`;

describe('an image that is missing is made on the hub, once for the fleet', () => {
  let stage: Stage;
  const inputs = new ImageInputs(() => stage.fleet.hub.client, hubNamespace);

  before(async () => {
    const node = (name: string, release: string) => ({ name, kernel: { release } });
    stage = await startStage(
      [
        { name: 'edge-1', nodes: [node('n1', kernels.el9)] },
        { name: 'edge-2', nodes: [node('n2', kernels.el9)] },
      ],
      { builder: true, hubConfig: { job: { gcDelay: '10m' } } },
    );
    await inputs.keyPair('signing', 'sign');
    await inputs.toolkits([kernels.el9, kernels.el9Next, kernels.debian]);
  });
  after(() => stage.stop());

  /** What is built and signed from ConfigMap `dockerfile`. */
  function spec(overrides: Record<string, unknown> = {}): ModuleSpec {
    return {
      selector: { 'node-role.kubernetes.io/worker': '' },
      imageRepoSecret: { name: pullSecret },
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'nic', dirName: '/opt' },
          kernelMappings: [
            { regexp: '^.+$', containerImage: `${stage.fleet.registry.host}/drivers/nic:\${KERNEL_FULL_VERSION}` },
          ],
          build: { dockerfileConfigMap: { name: 'nic-dockerfile' } },
          sign: signedBy('signing'),
          ...overrides,
        },
      },
    };
  }

  const imagesReady = (expected: RegExp) => untilImagesReady(stage.fleet, 'nic', expected);

  async function imagesOf(name: string): Promise<readonly ImageStatus[]> {
    return (await readModule(stage.fleet, name))?.status?.images ?? [];
  }

  async function madeBy(): Promise<string[]> {
    const { items } = await stage.fleet.hub.client.list(jobs, { namespace: hubNamespace });
    return items.map(({ metadata }) => `${metadata.labels?.['kmm.openshift.io/build.type']}`).sort();
  }

  /** While the hub's one node takes no pods, a build lasts. */
  async function cordon(unschedulable: boolean): Promise<void> {
    await stage.fleet.hub.client.patch(
      nodes,
      { name: hubNodeName },
      { type: 'merge', body: { spec: { unschedulable } } },
    );
  }

  async function jobIds(): Promise<Map<string, string>> {
    const { items } = await stage.fleet.hub.client.list(jobs, { namespace: hubNamespace });
    return new Map(items.map(({ metadata: { uid = '', name } }) => [uid, name]));
  }

  async function told(reason: string): Promise<string[]> {
    const { items } = await stage.fleet.hub.client.list(events, { namespace: 'default' });
    return items.filter((event) => event.reason === reason).map(({ note }) => note);
  }

  it('says that the Dockerfile is missing, and begins by itself when it is there [80] [T24]', async () => {
    await stage.apply('nic', fleetSpec(spec()));
    await imagesReady(/^False DockerfileMissing.*nic-dockerfile does not exist/);
    await stage.ready('nic', 'False DockerfileMissing');
    assert.deepEqual(await madeBy(), []);
  });

  it('loads nothing before the build has finished [64]', async () => {
    await cordon(true);
    await inputs.configMap('nic-dockerfile', { dockerfile });
    await imagesReady(/^False ImageBuilding.*its pod does not start: Unschedulable/);
    const untilMs = stage.clock.now() + 30_000;
    await eventually('half a minute of building', async () => {
      for (const [cluster, node] of [['edge-1', 'n1'] as const, ['edge-2', 'n2'] as const]) {
        assert.equal(await readWork(stage.fleet, cluster, 'nic'), undefined, `${cluster} gets no work yet`);
        assert.deepEqual(loadedModules(stage.fleet, cluster, node), []);
      }
      return stage.clock.now() > untilMs;
    });
    assert.deepEqual(await madeBy(), ['build']);
    await cordon(false);
  });

  it('builds and signs one image for two clusters, and they load just that [63] [84] [144]', async () => {
    const object = await stage.ready('nic');
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    assert.deepEqual(loadedModules(stage.fleet, 'edge-2', 'n2'), ['nic']);
    assert.deepEqual(await madeBy(), ['build', 'sign']);
    const [image] = object.status?.images ?? [];
    assert.deepEqual([image?.state, image?.clusters], ['Verified', 2]);
    for (const cluster of ['edge-1', 'edge-2']) {
      const work = JSON.stringify((await readWork(stage.fleet, cluster, 'nic'))?.spec);
      assert.ok(work.includes(`drivers/nic@${image?.digest}`), `${cluster} gets the digest that was verified`);
      assert.ok(!work.includes('signing-key') && !work.includes('dockerfile'), 'and nothing of how it was made');
    }
  });

  it('pushes what is unsigned under a name of its own only [85] [T9]', async () => {
    const { store } = stage.fleet.registry;
    const [image] = await imagesOf('nic');
    assert.deepEqual(store.tags('drivers/nic'), [kernels.el9, unsignedTag(kernels.el9)].sort());
    assert.equal(store.manifest('drivers/nic', kernels.el9)?.digest, image?.digest);
    assert.notEqual(store.manifest('drivers/nic', unsignedTag(kernels.el9))?.digest, image?.digest);
  });

  it('tells of it by events, with the kernel [79]', async () => {
    for (const reason of ['BuildCreated', 'BuildSucceeded', 'SignCreated', 'SignSucceeded']) {
      const notes = await eventually(reason, async () => {
        const found = await told(reason);
        return found.length > 0 ? found : undefined;
      });
      assert.equal(notes.length, 1, reason);
      assert.match(notes[0] ?? '', /kernel 5\.14\.0-427\.13\.1\.el9_4\.x86_64/);
    }
  });

  it('shows the key to the pod that signs, and to no other', async () => {
    const { items } = await stage.fleet.hub.client.list(pods, { namespace: hubNamespace });
    assert.ok(items.length >= 2);
    for (const { metadata, spec: pod } of items) {
      const mounts = JSON.stringify(pod.volumes).includes('signing-key');
      assert.equal(mounts, metadata.labels?.['kmm.openshift.io/build.type'] === 'sign', metadata.name);
    }
  });

  it('makes only what a new kernel needs, while the others stay loaded [81] [154]', async () => {
    const before = await imagesOf('nic');
    await stage.fleet
      .spoke('edge-2')
      .node('n2')
      .reboot({ kernel: { release: kernels.debian } });
    await eventually('the new kernel has its module', () => {
      return loadedModules(stage.fleet, 'edge-2', 'n2').includes('nic');
    });
    await stage.ready('nic');
    const images = await imagesOf('nic');
    assert.ok(images.some(({ kernelVersion, state }) => kernelVersion === kernels.debian && state === 'Verified'));
    assert.equal(images.find(({ kernelVersion }) => kernelVersion === kernels.el9)?.digest, before[0]?.digest);
    assert.deepEqual(await madeBy(), ['build', 'build', 'sign', 'sign']);
  });

  it('makes again what the registry lost once imageRebuildTriggerGeneration is raised, and says which value is applied [78] [160]', async () => {
    const applied = async () => (await readModule(stage.fleet, 'nic'))?.status?.imageRebuildTriggerGeneration;
    const before = { images: await imagesOf('nic'), jobs: await jobIds() };
    await stage.edit('nic', { moduleSpec: { imageRebuildTriggerGeneration: 1 } });
    await stage.ready('nic');
    assert.equal(await applied(), 1);
    assert.deepEqual(await imagesOf('nic'), before.images, 'what is there stays as it is');
    assert.deepEqual(await jobIds(), before.jobs);
    const { store } = stage.fleet.registry;
    for (const kernel of [kernels.el9, kernels.debian]) store.deleteManifest('drivers/nic', kernel);
    const another = dockerfile.replace(
      'RUN depmod',
      `COPY --from=builder /src/nic_2.ko /opt/lib/modules/${variable('KERNEL_FULL_VERSION')}/extra/\nRUN depmod`,
    );
    await inputs.writeDockerfile('nic-dockerfile', another);
    await cordon(true);
    await stage.edit('nic', { moduleSpec: { imageRebuildTriggerGeneration: 2 } });
    await imagesReady(/^False ImageBuilding/);
    assert.equal(await applied(), 1, 'not before the images are there again');
    await cordon(false);
    await stage.ready('nic');
    assert.equal(await applied(), 2);
    const images = await imagesOf('nic');
    assert.equal(images.length, 2);
    for (const { kernelVersion, digest } of images) {
      assert.notEqual(digest, before.images.find((each) => each.kernelVersion === kernelVersion)?.digest);
      assert.equal(digest, store.manifest('drivers/nic', kernelVersion)?.digest);
    }
    for (const cluster of ['edge-1', 'edge-2']) {
      const work = JSON.stringify((await readWork(stage.fleet, cluster, 'nic'))?.spec);
      for (const { digest } of before.images)
        assert.ok(!work.includes(`${digest}`), `${cluster} has the new digests only`);
    }
    const made = [...(await jobIds())].filter(([uid]) => !before.jobs.has(uid)).map(([, name]) => name);
    assert.equal(new Set(made).size, 4, 'a build and a signature each');
    assert.equal(made.length, 4);
  });

  it('shows the end of the log of a build that fails, ships nothing of it, and builds again once it is mended [75] [76]', async () => {
    await inputs.configMap('broken-dockerfile', { dockerfile: dockerfile.replace('make all', 'make all && exit 1') });
    const broken = spec({ build: { dockerfileConfigMap: { name: 'broken-dockerfile' } } });
    const container = broken.moduleLoader?.container;
    const [mapping] = container?.kernelMappings ?? [];
    if (mapping) mapping.containerImage = mapping.containerImage?.replace('drivers/nic:', 'drivers/nic-2:') ?? '';
    await stage.edit('nic', { moduleSpec: broken });
    await imagesReady(/^False BuildFailed.*exit status 1/);
    assert.equal(stage.fleet.registry.store.tags('drivers/nic-2'), undefined);
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
    assert.equal((await told('BuildFailed')).length > 0, true);
    await inputs.writeDockerfile('broken-dockerfile', dockerfile);
    await stage.ready('nic');
  });

  it('warns of keys that do not say what they are for, and takes them', async () => {
    await inputs.keyPair('plain');
    const plain = spec({
      sign: {
        keySecret: { name: 'plain-key' },
        certSecret: { name: 'plain-certificate' },
        filesToSign: [`/opt/lib/modules/${variable('KERNEL_FULL_VERSION')}/extra/nic.ko`],
      },
    });
    await stage.edit('nic', { moduleSpec: plain });
    await stage.ready('nic');
    await imagesReady(/^True .*Secret plain-key has no label kmm\.node\.kubernetes\.io\/use=sign/);
  });

  it('signs with no key that is not meant for the module: a Secret names who may use it', async () => {
    await inputs.keyPair('their', 'sign');
    const annotations = { 'kmm.node.kubernetes.io/allowed-modules': 'gpu' };
    const at = { namespace: hubNamespace, name: 'their-key' };
    await stage.fleet.hub.client.patch(secrets, at, { type: 'merge', body: { metadata: { annotations } } });
    const stolen = spec({
      sign: signedBy('their'),
    });
    const [mapping] = stolen.moduleLoader?.container.kernelMappings ?? [];
    if (mapping) mapping.containerImage = mapping.containerImage?.replace('drivers/nic:', 'drivers/nic-3:') ?? '';
    await stage.edit('nic', { moduleSpec: stolen });
    await imagesReady(/^False SecretRefused.*allowed-modules does not name nic/);
    assert.equal(
      stage.fleet.registry.store.tags('drivers/nic-3'),
      undefined,
      'nothing is built for a signature that is refused',
    );
  });

  it('mounts no signing key in a build', async () => {
    const oracle = spec({
      build: { dockerfileConfigMap: { name: 'nic-dockerfile' }, secrets: [{ name: 'signing-key' }] },
    });
    const [mapping] = oracle.moduleLoader?.container.kernelMappings ?? [];
    if (mapping) mapping.containerImage = mapping.containerImage?.replace('drivers/nic:', 'drivers/nic-4:') ?? '';
    await stage.edit('nic', { moduleSpec: oracle });
    await imagesReady(/^False SecretRefused.*signing-key/);
  });

  it('signs what a vendor built, under a name of its own, and builds nothing [83] [217]', async () => {
    const before = await jobIds();
    const vendor = `${stage.fleet.registry.host}/vendor/nic:${variable('KERNEL_FULL_VERSION')}`;
    const { store } = stage.fleet.registry;
    await pushDriver(stage.fleet, { repository: 'vendor/nic', module: 'nic', kernels: [kernels.el9, kernels.debian] });
    const signOnly = spec({
      build: null,
      sign: { unsignedImage: vendor, ...signedBy('signing') },
    });
    const [mapping] = signOnly.moduleLoader?.container.kernelMappings ?? [];
    if (mapping) mapping.containerImage = mapping.containerImage?.replace('drivers/nic:', 'drivers/nic-6:') ?? '';
    await stage.edit('nic', { moduleSpec: signOnly });
    await stage.ready('nic');
    const made = [...(await jobIds())].filter(([uid]) => !before.has(uid)).map(([, name]) => name);
    assert.deepEqual(
      made.map((name) => name.split('-')[1]),
      ['sign', 'sign'],
    );
    assert.deepEqual(store.tags('drivers/nic-6'), [kernels.debian, kernels.el9].sort());
    assert.deepEqual(loadedModules(stage.fleet, 'edge-1', 'n1'), ['nic']);
  });

  it('says that no node builds for the architecture of a kernel', async () => {
    const release = kernels.el9.replace('x86_64', 'aarch64');
    await stage.fleet.spoke('edge-1').node('n1').reboot({ kernel: { release } });
    const moduleSpec = spec();
    const [mapping] = moduleSpec.moduleLoader?.container.kernelMappings ?? [];
    if (mapping) mapping.containerImage = mapping.containerImage?.replace('drivers/nic:', 'drivers/nic-5:') ?? '';
    await stage.edit('nic', { moduleSpec });
    await imagesReady(/^False .*aarch64.*Unschedulable: .*kubernetes\.io\/arch=arm64 only/);
  });
});
