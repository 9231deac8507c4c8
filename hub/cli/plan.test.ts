import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManagedClusterModuleSpec, ManifestWork } from '@open-cluster-management/api-types';
import { viewCluster } from '../fleet/cluster.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { buildWork } from '../managed-cluster-module/work.ts';
import { managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { differences } from './differences.ts';
import { planFleet } from './plan.ts';
import { plannedImages } from './plan-images.ts';
import { planReport } from './plan-report.ts';
import { wavesOfPlan } from './plan-waves.ts';
import { asKept } from './server-defaults.ts';

const kernel = '5.14.0-1';
const oldSpec = moduleSpec();
const newSpec = moduleSpec({ imageRepoSecret: { name: 'pull' } });

function module(change: Partial<ManagedClusterModuleSpec> = {}): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'nic', uid: 'u', generation: 1 },
    spec: { selector: {}, spokeNamespace, moduleSpec: oldSpec, ...change },
  };
}

function work(cluster: string, spec = oldSpec): ManifestWork {
  const container = {
    ...spec.moduleLoader!.container,
    kernelMappings: [{ literal: kernel, containerImage: 'quay.io/org/a@sha256:1' }],
  };
  const shipped = { ...spec, moduleLoader: { ...spec.moduleLoader, container } };
  const revision = revisionName('nic', spec);
  return buildWork({ module: 'nic', spokeNamespace, cluster, revision, spec: shipped, updatedAt: nowText });
}

const cluster = (name: string, options: Parameters<typeof managedCluster>[0] = {}) =>
  viewCluster(managedCluster({ name, kernels: [kernel], ...options }));
const operatorNamespace = 'hub';

describe('the plan of an edit', () => {
  it('says for each cluster what the hub would do, by its own decisions', () => {
    const plan = planFleet({
      present: module(),
      wanted: module({ moduleSpec: newSpec, selector: { ring: 'one' } }),
      clusters: [
        cluster('a', { labels: { ring: 'one' } }),
        cluster('b', { labels: { ring: 'one' } }),
        cluster('c'),
        cluster('d'),
        cluster('e', { labels: { ring: 'one' }, available: 'False' }),
        cluster('f', { labels: { ring: 'one' }, kernels: ['4.18.0-1'] }),
        cluster('g', { labels: { ring: 'one' } }),
      ],
      works: [work('a'), work('c'), work('e'), work('g', newSpec)],
      operatorNamespace,
    });
    assert.deepEqual(
      plan.clusters.map(({ cluster: name, change }) => `${name} ${change}`),
      ['a changed', 'b new', 'c removed', 'e unreachable', 'f blocked', 'g unchanged'],
    );
    assert.equal(plan.clusters[4]?.why[0]?.reason, 'NoKernelMapping');
  });

  it('changes nothing where only the rollout is edited', () => {
    const plan = planFleet({
      present: module(),
      wanted: module({ rollout: { type: 'Progressive' } }),
      clusters: [cluster('a')],
      works: [work('a')],
      operatorNamespace,
    });
    assert.deepEqual([plan.before?.name, plan.clusters[0]?.change], [plan.after.name, 'unchanged']);
  });

  it('names kernels that lose their mapping, images with who makes them, and what is known of them', () => {
    const build = { dockerfileConfigMap: { name: 'dockerfile' } };
    const narrow = moduleSpec({
      moduleLoader: {
        container: {
          modprobe: { moduleName: 'kmm_ci_a' },
          kernelMappings: [{ literal: '6.1.0-2', containerImage: 'quay.io/org/b:1', build }],
        },
      },
    });
    const present = module();
    const plan = planFleet({
      present,
      wanted: module({ moduleSpec: narrow }),
      clusters: [cluster('a', { kernels: [kernel, '6.1.0-2'] })],
      works: [work('a')],
      operatorNamespace,
    });
    assert.deepEqual(plan.clusters[0]?.lost, [kernel]);
    const images = [{ kernelVersion: '6.1.0-2', image: 'quay.io/org/b:1', state: 'Missing' as const }];
    const found = plannedImages(plan, { ...present, status: { images } }, operatorNamespace);
    assert.deepEqual(found, [
      { kernel: '6.1.0-2', image: 'quay.io/org/b:1', clusters: 1, madeBy: 'Build', known: 'Missing' },
    ]);
    const { lines } = planReport({ plan, images: found, present, wanted: module({ moduleSpec: narrow }) });
    assert.ok(lines.includes(`kernel ${kernel} is mapped now and would not be: a`));
    assert.ok(lines.includes('6.1.0-2  quay.io/org/b:1  1         Missing  is built if the registry has it not'));
  });

  it('puts the clusters into the waves of the rollout', () => {
    const groups = [{ name: 'canary', selector: { stage: 'canary' } }];
    const plan = planFleet({
      present: module(),
      wanted: module({
        moduleSpec: newSpec,
        rollout: { type: 'Progressive', groups, maxConcurrency: '50%', maxFailures: 1 },
      }),
      clusters: [cluster('a'), cluster('b'), cluster('c', { labels: { stage: 'canary' } }), cluster('d')],
      works: ['a', 'b', 'c', 'd'].map((name) => work(name)),
      operatorNamespace,
    });
    assert.deepEqual(wavesOfPlan(plan), [
      { group: 'canary', clusters: ['c'], atOnce: 1, failuresAllowed: 1 },
      { group: undefined, clusters: ['a', 'b', 'd'], atOnce: 2, failuresAllowed: 1 },
    ]);
  });

  it('takes the file as the API server would keep it, so that a default is no new version', () => {
    const { spec } = module();
    const kept = asKept({ ...spec, odd: 1 } as ManagedClusterModuleSpec);
    assert.equal(kept.imageCheck, 'Required');
    assert.equal(kept.moduleSpec?.moduleLoader?.container.modprobe.dirName, '/opt');
    assert.ok(!('odd' in kept));
    assert.deepEqual(asKept(kept), kept);
  });
});

describe('differences', () => {
  it('are named by their paths', () => {
    assert.deepEqual(differences({ a: [1, { b: 2 }], c: 'x' }, { a: [1, { b: 3 }, 4], d: {} }, 'spec'), [
      'spec.a[1].b: 2 → 3',
      'spec.a[2]: nothing → 4',
      'spec.c: "x" → nothing',
      'spec.d: nothing → {}',
    ]);
  });
});
