import assert from 'node:assert/strict';
import type { ModuleSpec } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { edited, moduleSpec, spokeNamespace, variable } from '../testing/pictures.ts';
import { shippedSpec } from './shipped-spec.ts';
import { buildWork, mappingsIn, viewWork } from './work.ts';

const full: ModuleSpec = moduleSpec({
  tolerations: [{ key: 'gpu', operator: 'Exists' }],
  imageRepoSecret: { name: 'pull' },
  devicePlugin: {
    container: { image: 'quay.io/org/plugin:1', env: [{ name: 'EMPTY', value: '' }], args: [] },
    volumes: [{ name: 'scratch', emptyDir: {} }],
    serviceAccountName: '',
  },
  moduleLoader: {
    serviceAccountName: 'loader',
    container: {
      version: '1.2',
      containerImage: `quay.io/org/default:${variable('KERNEL_FULL_VERSION')}`,
      registryTLS: { insecure: true },
      inTreeModuleToRemove: 'old',
      modprobe: { moduleName: 'kmm_ci_a', firmwarePath: '/firmware', parameters: ['a=1'] },
      build: { dockerfileConfigMap: { name: 'dockerfile' } },
      sign: { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, filesToSign: ['/opt/a.ko'] },
      kernelMappings: [
        { regexp: '^.+$', build: { dockerfileConfigMap: { name: 'other' } }, registryTLS: { insecure: true } },
      ],
    },
  },
} as Partial<ModuleSpec>);

const mappings = [
  { literal: '6.1.0-2', containerImage: 'quay.io/org/b@sha256:bb', inTreeModulesToRemove: ['x', 'y'] },
  { literal: '5.14.0-1', containerImage: 'quay.io/org/a@sha256:aa', inTreeModulesToRemove: [] },
];

const intent = {
  module: 'm',
  spokeNamespace,
  cluster: 'c1',
  revision: 'm-0123',
  spec: shippedSpec(full, mappings),
  updatedAt: '2026-01-01T00:00:00Z',
};

describe('the ManifestWork of a cluster', () => {
  it('is byte for byte what earlier releases wrote: a changed hash would reload a fleet (golden)', () => {
    assert.deepEqual(intent.spec, {
      selector: { 'node-role.kubernetes.io/worker': '' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      imageRepoSecret: { name: 'pull' },
      devicePlugin: {
        container: { image: 'quay.io/org/plugin:1', env: [{ name: 'EMPTY', value: '' }] },
        volumes: [{ name: 'scratch', emptyDir: {} }],
      },
      moduleLoader: {
        serviceAccountName: 'loader',
        container: {
          version: '1.2',
          modprobe: { moduleName: 'kmm_ci_a', firmwarePath: '/firmware', parameters: ['a=1'] },
          kernelMappings: [
            { literal: '5.14.0-1', containerImage: 'quay.io/org/a@sha256:aa' },
            { literal: '6.1.0-2', containerImage: 'quay.io/org/b@sha256:bb', inTreeModulesToRemove: ['x', 'y'] },
          ],
        },
      },
    });
    assert.equal(contentHash(intent.spec), 'a307972464e2df20');
    assert.equal(contentHash(buildWork(intent)), '9b01554f04f3f674');
  });

  it('is named like the module, lives in the namespace of the cluster, and carries the label [146]', () => {
    const { metadata } = buildWork(intent);
    assert.equal(metadata.name, 'm');
    assert.equal(metadata.namespace, 'c1');
    assert.deepEqual(metadata.labels, { 'kmm.node.kubernetes.io/managedclustermodule.name': 'm' });
  });

  it('holds one Module named like the module in spokeNamespace, without build, sign, regexp and registryTLS [147] [148]', () => {
    const [manifest, ...others] = buildWork(intent).spec.workload?.manifests ?? [];
    assert.deepEqual(others, []);
    assert.equal(manifest?.['kind'], 'Module');
    assert.deepEqual(manifest?.['metadata'], {
      name: 'm',
      namespace: spokeNamespace,
      annotations: { 'kmm.node.kubernetes.io/hub-state': contentHash(intent.spec) },
    });
    assert.ok(!('status' in (manifest ?? {})));
    assert.doesNotMatch(JSON.stringify(manifest), /"(build|sign|regexp|registryTLS|inTreeModuleToRemove)"|null|\[\]/);
  });

  it('gives in-tree modules per mapping and always as a list, so that no webhook sees both forms [T6]', () => {
    const container = intent.spec.moduleLoader?.container;
    assert.equal(container?.inTreeModuleToRemove, undefined);
    assert.equal(container?.inTreeModulesToRemove, undefined);
    assert.deepEqual(mappingsIn(intent.spec)[1]?.inTreeModulesToRemove, ['x', 'y']);
  });

  it('asks for the nine numbers of upstream, and for state and report [151]', () => {
    const [config] = buildWork(intent).spec.manifestConfigs ?? [];
    assert.deepEqual(config?.resourceIdentifier, {
      group: 'kmm.sigs.x-k8s.io',
      resource: 'modules',
      name: 'm',
      namespace: spokeNamespace,
    });
    const paths = config?.feedbackRules?.[0]?.jsonPaths?.map(({ name, path }) => `${name} ${path}`);
    const counts = ['availableNumber', 'desiredNumber', 'nodesMatchingSelectorNumber'];
    const nine = ['devicePlugin', 'dra', 'moduleLoader'].flatMap((section) =>
      counts.map((count) => `${section}.${count} .status.${section}.${count}`),
    );
    assert.deepEqual(paths, [...nine, 'state .status.observedState', 'report .status.report']);
  });

  it('carries device plugin, DRA driver, tolerations, secret and version of the spec [162]', () => {
    const { devicePlugin, tolerations, imageRepoSecret, moduleLoader } = intent.spec;
    assert.equal(devicePlugin?.container.image, 'quay.io/org/plugin:1');
    assert.deepEqual(tolerations, full.tolerations);
    assert.deepEqual(imageRepoSecret, full.imageRepoSecret);
    assert.equal(moduleLoader?.container.version, '1.2');
    const dra = { driverName: 'gpu.example.com', container: { image: 'quay.io/org/dra:1' } };
    assert.deepEqual(shippedSpec({ selector: {}, dra }, []).dra, dra);
  });

  it('never changes the spec that it is made from, nor shares a part of it [T1]', () => {
    const before = JSON.stringify(full);
    const made = shippedSpec(full, mappings);
    assert.equal(JSON.stringify(full), before);
    assert.notEqual(made.tolerations, full.tolerations);
    assert.notEqual(made.moduleLoader?.container.modprobe, full.moduleLoader?.container.modprobe);
  });

  it('shares its spec with all that ship the same, and with none of another name or namespace', () => {
    const { spec } = buildWork(intent);
    assert.equal(buildWork({ ...intent, cluster: 'c2' }).spec, spec);
    assert.ok(Object.isFrozen(spec) && Object.isFrozen(spec.workload?.manifests?.[0]));
    for (const other of [{ spokeNamespace: 'elsewhere' }, { module: 'n' }]) {
      const shared = buildWork({ ...intent, ...other }).spec;
      assert.deepEqual(shared, buildWork({ ...intent, ...other, spec: structuredClone(intent.spec) }).spec);
      assert.notDeepEqual(shared, spec);
    }
  });

  it('without a module loader has no mappings, and an empty selector stays [T3]', () => {
    const spec = shippedSpec({ selector: {}, devicePlugin: { container: { image: 'p:1' } } }, []);
    assert.deepEqual(spec, { selector: {}, devicePlugin: { container: { image: 'p:1' } } });
  });

  it('is read back: revision, state, and whether somebody edited the spec', () => {
    const work = buildWork(intent);
    const view = viewWork(work, spokeNamespace);
    assert.deepEqual(view.spec, intent.spec);
    assert.equal(view.revision, 'm-0123');
    assert.equal(view.genuine, true);
    const changed = edited(work, (spec) => Object.assign(spec.selector, { hacked: 'yes' }));
    assert.equal(viewWork(changed, spokeNamespace).genuine, false);
    assert.equal(viewWork(work, 'elsewhere').spec, undefined);
  });
});
