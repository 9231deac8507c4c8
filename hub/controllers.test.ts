import assert from 'node:assert/strict';
import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { Store } from '../shared/kube/store.ts';
import { unusedSettings } from '../shared/process/config.ts';
import { hubConfigSchema, unusedHubKeys } from './config.ts';
import { type Caches, indexes, keysOfCluster, keysOfWork } from './controllers.ts';
import { managedCluster, spokeNamespace } from './testing/pictures.ts';

function module(name: string, selector: Record<string, string> | undefined): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: { selector, spokeNamespace } as ManagedClusterModule['spec'],
  };
}

function work(cluster: string, name: string): ManifestWork {
  return {
    apiVersion: 'work.open-cluster-management.io/v1',
    kind: 'ManifestWork',
    metadata: { name, namespace: cluster },
    spec: {},
  };
}

/** Caches as far as keys are computed from them. */
function caches(modules: ManagedClusterModule[], works: ManifestWork[] = []): Pick<Caches, 'modules' | 'works'> {
  const moduleStore = new Store<ManagedClusterModule>(indexes.modules);
  const workStore = new Store<ManifestWork>(indexes.works);
  for (const object of modules) moduleStore.set(object);
  for (const object of works) workStore.set(object);
  return { modules: moduleStore, works: workStore } as unknown as Pick<Caches, 'modules' | 'works'>;
}

const fleet = caches(
  [
    module('all', {}),
    module('edge', { tier: 'edge' }),
    module('eu', { region: 'eu', tier: 'edge' }),
    module('broken', undefined),
  ],
  [work('c1', 'left'), work('c2', 'other')],
);
const keys = (previous: ManagedCluster | undefined, current: ManagedCluster | undefined) =>
  [...keysOfCluster(fleet, { previous, current })].sort();

describe('a change of a cluster', () => {
  const plain = managedCluster({ kernels: ['k1'] });
  const edge = managedCluster({ kernels: ['k1'], labels: { tier: 'edge' } });

  it('wakes the modules that select it or did, and those that have a work there [155] [156]', () => {
    assert.deepEqual(keys(undefined, plain), ['all/c1', 'broken/c1', 'left/c1']);
    assert.deepEqual(keys(plain, edge), ['all/c1', 'broken/c1', 'edge/c1', 'left/c1']);
    assert.deepEqual(keys(edge, plain), ['all/c1', 'broken/c1', 'edge/c1', 'left/c1']);
    assert.deepEqual(keys(edge, undefined), ['all/c1', 'broken/c1', 'edge/c1', 'left/c1']);
  });

  it('that no decision could see wakes nobody', () => {
    assert.deepEqual(keys(plain, { ...plain, metadata: { ...plain.metadata, resourceVersion: '9' } }), []);
  });
});

describe('a change of a work', () => {
  it('wakes the cluster of its namesake, whoever made it [158]', () => {
    assert.deepEqual(keysOfWork(fleet, { previous: undefined, current: work('c9', 'edge') }), ['edge/c9']);
    assert.deepEqual(keysOfWork(fleet, { previous: work('c9', 'edge'), current: undefined }), ['edge/c9']);
    assert.deepEqual(keysOfWork(fleet, { previous: undefined, current: work('c9', 'unknown') }), []);
  });
});

describe('the configuration of the hub', () => {
  it('has defaults for everything, and refuses what it does not know', () => {
    const { registry, statusInterval, writeConcurrency, writesPerSecond } = hubConfigSchema.parse({});
    assert.deepEqual([registry.timeout, statusInterval, writeConcurrency, writesPerSecond], [30_000, 1000, 8, 1000]);
    const upstream = hubConfigSchema.parse({ job: { gcDelay: '1h' }, webhook: { port: 9443, disableHTTP2: true } });
    assert.deepEqual(unusedSettings(upstream, unusedHubKeys), ['webhook']);
    assert.deepEqual(unusedSettings(hubConfigSchema.parse({}), unusedHubKeys), []);
    assert.equal(hubConfigSchema.safeParse({ registry: { caFiles: 'x' } }).success, false);
  });
});
