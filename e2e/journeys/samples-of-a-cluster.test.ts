import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Module, modules } from '@open-cluster-management/api-types';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { ConfigMap, DaemonSet, KubeObject, Pod, Resource, Secret } from '../../shared/kube/object.ts';
import { configMaps, daemonSets, jobs, pods, resource, secrets } from '../../shared/kube/resources.ts';
import { makeSigningKeys } from '../../shared/testing/signing-keys.ts';
import { purposeOf } from '../../spoke/pods.ts';
import { eventually } from '../world/eventually.ts';
import { pushPlugin } from '../world/fleet/drivers.ts';
import { spokeNamespace } from '../world/fleet/fleet.ts';
import { koFile, vermagicOf } from '../world/kernel/ko.ts';
import { buildModuleImage } from '../world/registry/module-image.ts';
import { ImageInputs } from './image-inputs.ts';
import { type LoneSpoke, startLoneSpoke } from './lone-spoke.ts';
import { createSampleLogin, readSample } from './sample-files.ts';

const namespace = spokeNamespace;
/** Node by node, the kernels that the samples speak of. */
const kernels = {
  n1: '6.0.15-300.fc37.x86_64',
  n2: '6.1.9-200.fc37.x86_64',
  n3: '5.14.0-570.12.1.el9_6.x86_64',
} as const;
/** Which nodes the samples select beside `node-role.kubernetes.io/worker`. */
const rolesOf = {
  n1: ['network-driver', 'in-tree-module'],
  n2: ['soft-dependencies'],
  n3: ['simple-kmod', 'example-module', 'in-tree-module'],
} as const;
type NodeName = keyof typeof kernels;
const nodeNames: NodeName[] = ['n1', 'n2', 'n3'];
const accounts = resource<KubeObject>('', 'v1', 'ServiceAccount', 'serviceaccounts', true);
const kinds = [modules, configMaps, secrets] as unknown as Resource<KubeObject>[];

describe('the samples of one cluster do what they say', () => {
  let spoke: LoneSpoke;
  const client = () => spoke.client;
  const kernelOf = (node: NodeName) => spoke.fleet.spoke('s1').node(node).kernel;
  const history = (node: NodeName) => kernelOf(node).history.map(({ call, name }) => `${call} ${name}`);
  const present = (node: NodeName) =>
    kernelOf(node)
      .modules()
      .map(({ name }) => name);

  const sample = <T extends KubeObject>(name: string): T => readSample<T>(name, spoke.fleet.registry.host);

  async function apply<T extends KubeObject>(object: T): Promise<T> {
    const kind = kinds.find((each) => each.kind === object.kind);
    assert.ok(kind !== undefined, `expected a kind of the samples, got ${object.kind}`);
    return (await client().create(kind, object)) as T;
  }

  const ready = (module: string) => spoke.until(module, 'Ready', /^True/);
  /** Each step has its own time. */
  async function madeAndReady(module: string): Promise<void> {
    await spoke.until(module, 'ImagesReady', /^True/);
    await ready(module);
  }

  /** Unloaded from all nodes when this returns. */
  async function remove(module: string): Promise<void> {
    await client().delete(modules, { namespace, name: module }, { propagationPolicy: 'Background' });
    await eventually(`${module} is gone`, async () => (await spoke.read(module)) === undefined);
  }

  async function imagesOf(module: string): Promise<Record<string, string | undefined>> {
    const each = (await spoke.loaders(module)).map(
      ({ metadata, spec }) =>
        [metadata.labels?.[labels.kernelVersion], spec.template.spec?.containers[0]?.image] as const,
    );
    return Object.fromEntries(each);
  }

  async function podsOf(module: string): Promise<Pod[]> {
    return (await client().list(pods, { namespace, labelSelector: `${labels.moduleName}=${module}` })).items;
  }

  /** With firmware, which some samples ship. */
  async function push(repository: string, tag: string, kernel: string, names: readonly string[]): Promise<string> {
    const files = names.map((name) => [`${name}.ko`, koFile({ name, vermagic: vermagicOf(kernel) })] as const);
    const firmware = { 'frame-grabber.bin': 'of a vendor' };
    const image = await buildModuleImage({ kernels: { [kernel]: Object.fromEntries(files) }, firmware });
    return (await spoke.fleet.push(repository, tag, image)).name;
  }

  before(async () => {
    const inTree = (names: readonly string[]) => names.map((name) => ({ name, loaded: true }));
    const nodes = nodeNames.map((name) => ({
      name,
      // Node n2 has no modules of its kernel's that ours could find there already.
      kernel: { release: kernels[name], inTree: inTree(name === 'n2' ? [] : ['network_driver', 'mod_b']) },
      labels: Object.fromEntries(rolesOf[name].map((role) => [`kernel-modules.example.com/${role}`, ''])),
    }));
    // Jobs stay, so that it can be seen what they were.
    spoke = await startLoneSpoke(nodes, { job: { gcDelay: '10h' } });
    await spoke.allow();
    const inputs = new ImageInputs(client, namespace);
    await inputs.toolkits(Object.values(kernels));
    await inputs.secret('source-credentials', 'build', { header: 'Authorization: Basic eA==' });
    await inputs.configMap('frame-grabber-settings', { 'settings.ini': 'x=1' });
    await createSampleLogin(client(), namespace);
    for (const name of ['driver-loader', 'driver-device-plugin']) {
      await client().create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });
    }
    const pair = await makeSigningKeys({ rsa: 2048 });
    const files = { key: Buffer.from(pair.key.export({ type: 'pkcs8', format: 'pem' })), cert: pair.certificate };
    for (const [name, key] of [
      ['signing-key', 'key'],
      ['signing-certificate', 'cert'],
    ] as const) {
      const secret = sample<Secret>(name);
      assert.deepEqual(secret.data, { [key]: '' });
      await apply({ ...secret, data: { [key]: files[key].toString('base64') } });
    }
    await pushPlugin(spoke.fleet, 'drivers/frame-grabber-device-plugin', '2.1.0');
  });
  after(() => spoke?.stop());

  describe('module-all-parts.yaml', () => {
    const name = 'frame-grabber';
    let module: Module;

    before(async () => {
      await push('drivers/frame-grabber', kernels.n1, kernels.n1, ['frame_grabber']);
      await push('org/drivers/frame-grabber', kernels.n2, kernels.n2, ['frame_grabber']);
      await apply(sample<ConfigMap>('two-modules-dockerfile'));
      module = await apply(sample<Module>('module-all-parts'));
      await madeAndReady(name);
    });

    it('serves a kernel by its name, others by an expression with the kernel in the image, and makes the image of any other [9] [217]', async () => {
      const { registry } = spoke.fleet;
      const repository = 'drivers/frame-grabber';
      const made = registry.store.manifest(repository, kernels.n3)?.digest;
      assert.deepEqual(await imagesOf(name), {
        [kernels.n1]: `${registry.host}/${repository}:${kernels.n1}`,
        [kernels.n2]: `${registry.host}/org/${repository}:${kernels.n2}`,
        [kernels.n3]: `${registry.host}/${repository}@${made}`,
      });
      for (const node of nodeNames) assert.ok(present(node).includes('frame_grabber'), node);
    });

    it('copies firmware to the node, loads with the parameters, and takes the image’s modules from /opt [56] [58] [217]', async () => {
      for (const node of nodeNames) {
        const { hostRoot, kernel } = spoke.fleet.spoke('s1').node(node);
        assert.ok(existsSync(join(hostRoot, 'var/lib/firmware/frame-grabber.bin')), node);
        const loaded = kernel.history.find(({ call, name: module }) => call === 'insert' && module === 'frame_grabber');
        assert.equal(loaded?.parameters, 'buffers=8');
      }
    });

    it('builds with the argument and the Secret at /run/secrets, signs with the two keys, and mixes neither [65] [68] [217]', async () => {
      const { items } = await client().list(jobs, { namespace, labelSelector: `${labels.moduleName}=${name}` });
      const [build, sign, ...more] = ['build', 'sign'].map((step) =>
        items
          .filter(({ metadata }) => metadata.labels?.[labels.buildType] === step)
          .map((job) => JSON.stringify(job.spec)),
      );
      assert.deepEqual([build?.length, sign?.length, more.length], [1, 1, 0]);
      assert.match(build?.[0] ?? '', /"SENSOR=mono"/);
      // A RUN line reads it at /run/secrets/source-credentials/header, and would have failed.
      assert.match(build?.[0] ?? '', /"secretName":"source-credentials"/);
      assert.doesNotMatch(build?.[0] ?? '', /signing-/);
      for (const secret of ['signing-key', 'signing-certificate']) assert.ok(sign?.[0]?.includes(secret));
      assert.doesNotMatch(sign?.[0] ?? '', /source-credentials/);
    });

    it('runs loader and device plugin as the accounts that it names, pulled with its Secret [48] [133] [217]', async () => {
      const byPurpose = Map.groupBy(await podsOf(name), purposeOf);
      for (const [purpose, account] of [
        ['load', 'driver-loader'],
        ['device-plugin', 'driver-device-plugin'],
      ] as const) {
        const running = byPurpose.get(purpose) ?? [];
        assert.equal(running.length, nodeNames.length, purpose);
        for (const { spec } of running) {
          assert.equal(spec.serviceAccountName, account);
          assert.deepEqual(spec.imagePullSecrets, [{ name: 'registry-credentials' }]);
        }
      }
    });

    it('gives the device plugin image, variables and volumes as they are written [95] [97] [217]', async () => {
      const { items } = await client().list(daemonSets, { namespace, labelSelector: `${labels.moduleName}=${name}` });
      const plugins = items.filter((each: DaemonSet) => purposeOf(each) === 'device-plugin');
      assert.equal(plugins.length, 1);
      const pod = plugins[0]?.spec.template.spec;
      const { container, volumes = [] } = module.spec.devicePlugin!;
      const { image, env, volumeMounts = [] } = container;
      assert.partialDeepStrictEqual(pod?.containers[0], { image, env });
      for (const mount of volumeMounts) assert.partialDeepStrictEqual(pod?.containers[0]?.volumeMounts, [mount]);
      for (const volume of volumes) assert.partialDeepStrictEqual(pod?.volumes, [volume]);
    });

    it('is unloaded when it is deleted, and its firmware goes [57] [217]', async () => {
      await remove(name);
      for (const node of nodeNames) {
        assert.ok(!present(node).includes('frame_grabber'), node);
        const { hostRoot } = spoke.fleet.spoke('s1').node(node);
        assert.ok(!existsSync(join(hostRoot, 'var/lib/firmware/frame-grabber.bin')), node);
      }
    });
  });

  describe('build-on-spoke.yaml', () => {
    it('builds under the temporary name, signs under the final one, and loads what is signed [84] [85] [217]', async () => {
      await apply(sample<ConfigMap>('build-on-spoke-dockerfile'));
      await apply(sample<Module>('build-on-spoke'));
      await madeAndReady('example-module');
      const { host, store } = spoke.fleet.registry;
      assert.deepEqual(store.tags('drivers/minimal-driver'), [
        'final',
        `final-${namespace}_example-module_kmm_unsigned`,
      ]);
      const signed = store.manifest('drivers/minimal-driver', 'final')?.digest;
      assert.deepEqual(await imagesOf('example-module'), {
        [kernels.n3]: `${host}/drivers/minimal-driver@${signed}`,
      });
      assert.ok(present('n3').includes('example_module'));
    });

    it('needs the temporary image no more, and makes it again when it is needed [86] [217]', async () => {
      const { store } = spoke.fleet.registry;
      const unsigned = `final-${namespace}_example-module_kmm_unsigned`;
      for (const tag of [unsigned, 'final']) {
        const { digest } = store.manifest('drivers/minimal-driver', tag)!;
        assert.ok(store.deleteManifest('drivers/minimal-driver', digest));
        await spoke.program.restart();
        await ready('example-module');
      }
      const body = { spec: { imageRebuildTriggerGeneration: 1 } };
      await client().patch(modules, { namespace, name: 'example-module' }, { type: 'merge', body });
      await eventually('both are there again', () => (store.tags('drivers/minimal-driver') ?? []).length === 2);
      await ready('example-module');
    });
  });

  describe('modules beside those of the kernel', () => {
    it('soft-dependencies.yaml loads the second before the first, and unloads them in the other order [33] [217]', async () => {
      const before = history('n2').length;
      await push('drivers/soft-dependencies', kernels.n2, kernels.n2, ['mod_a', 'mod_b']);
      await apply(sample<Module>('soft-dependencies'));
      await ready('soft-dependencies');
      await remove('soft-dependencies');
      assert.deepEqual(history('n2').slice(before), ['insert mod_b', 'insert mod_a', 'remove mod_a', 'remove mod_b']);
    });

    for (const { file, moduleName, inTree, repository, nodes } of [
      {
        file: 'in-tree-module',
        moduleName: 'network_driver_new',
        inTree: 'network_driver',
        repository: 'drivers/network',
        nodes: ['n1'],
      },
      {
        file: 'in-tree-module-all-kernels',
        moduleName: 'mod_a',
        inTree: 'mod_b',
        repository: 'drivers/in-tree-module',
        nodes: ['n1', 'n3'],
      },
    ] as const) {
      it(`${file}.yaml removes the in-tree module first, and never loads it again [35] [36] [217]`, async () => {
        const before = nodes.map((node) => history(node).length);
        for (const node of nodes) await push(repository, kernels[node], kernels[node], [moduleName]);
        const { metadata } = await apply(sample<Module>(file));
        await ready(metadata.name);
        await remove(metadata.name);
        for (const [index, node] of nodes.entries()) {
          const expected = [`remove ${inTree}`, `insert ${moduleName}`, `remove ${moduleName}`];
          assert.deepEqual(history(node).slice(before[index]), expected);
          assert.ok(!present(node).includes(inTree));
        }
      });
    }
  });

  it('module.yaml says no more than it must: /opt, the default account, no plugin, nothing made [29] [217]', async () => {
    await push('kernel-modules/simple-kmod', 'fixed-el9_6', kernels.n3, ['simple_kmod']);
    const { spec } = await apply(sample<Module>('module'));
    assert.deepEqual(Object.keys(spec).sort(), ['moduleLoader', 'selector']);
    const module = await ready('simple-kmod');
    const all = await podsOf('simple-kmod');
    assert.deepEqual(all.map(purposeOf), ['load']);
    assert.ok([undefined, 'default'].includes(all[0]?.spec.serviceAccountName));
    assert.equal(all[0]?.metadata.annotations?.[annotations.pinned], undefined);
    assert.equal(module.status?.devicePlugin, undefined);
    assert.ok(present('n3').includes('simple_kmod'));
  });
});
