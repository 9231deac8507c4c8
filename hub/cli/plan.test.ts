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

const pinned = `quay.io/org/a@sha256:${'1'.repeat(64)}`;

function work(cluster: string, spec = oldSpec, containerImage = pinned): ManifestWork {
  const container = {
    ...spec.moduleLoader!.container,
    kernelMappings: [{ literal: kernel, containerImage }],
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

  const next = '6.1.0-2';
  const linesOf = (change: Pick<Parameters<typeof planFleet>[0], 'present' | 'wanted' | 'clusters' | 'works'>) => {
    const plan = planFleet({ ...change, operatorNamespace });
    const { lines } = planReport({ plan, images: [], present: change.present, wanted: change.wanted });
    return { plan, lines, changes: plan.clusters.map(({ cluster: name, change: what }) => `${name} ${what}`) };
  };

  it('says whose work is written for a kernel that is added to the upcoming ones, and who is not prepared', () => {
    const upcomingKernels = [
      { kernelVersion: next, selector: { ring: 'one' } },
      { kernelVersion: '4.18.0-1' },
      { kernelVersion: kernel },
      { kernelVersion: '6.1.0-9', selector: { ring: 'none' } },
    ];
    const ring = { ring: 'one' };
    const { plan, lines, changes } = linesOf({
      present: module(),
      wanted: module({ upcomingKernels, rollout: { type: 'Progressive' } }),
      clusters: [cluster('a', { labels: ring }), cluster('b', { labels: ring, available: 'False' }), cluster('c')],
      works: ['a', 'b', 'c'].map((name) => work(name)),
    });
    assert.deepEqual(changes, ['a extended', 'b unreachable', 'c unchanged']);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('upcoming')),
      [
        'upcoming 4.18.0-1 is added: 3 clusters would not be prepared for it: a, b, c: NoKernelMapping: no kernel mapping matches',
        'upcoming 5.14.0-1 is added: 3 clusters would go on mapping it, as now: a, b, c',
        'upcoming 6.1.0-2 is added: 1 cluster would get a write that maps it: a',
        'upcoming 6.1.0-2 is added: 1 cluster would get a write that maps it once reachable again: b',
        'upcoming 6.1.0-9 is added: no selected cluster is meant',
      ],
    );
    assert.match(lines.join('\n'), /^1 +keep the version and get further kernels +a$/m);
    assert.deepEqual(wavesOfPlan(plan), []);
  });

  it('says that a work goes on mapping a kernel that is dropped from the upcoming ones', () => {
    const { lines, changes } = linesOf({
      present: module({ upcomingKernels: [{ kernelVersion: next }, { kernelVersion: kernel }] }),
      wanted: module(),
      clusters: [cluster('a', { kernels: [next] }), cluster('b', { kernels: [kernel] })],
      works: [work('a'), work('b')],
    });
    assert.deepEqual(changes, ['a unchanged', 'b unchanged']);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('upcoming')),
      [
        'upcoming 5.14.0-1 is dropped: 2 clusters would map it all the same: a, b',
        'upcoming 6.1.0-2 is dropped: 1 cluster would map it all the same: a',
        'upcoming 6.1.0-2 is dropped: 1 cluster would not get it beforehand any more: b',
      ],
    );
  });

  it('says what an edit of imageCheck ships by name at once, and what it leaves so', () => {
    const images = [{ kernelVersion: next, image: `quay.io/org/b:${next}`, state: 'Missing' as const }];
    const present = { ...module(), status: { images } };
    const clusters = [cluster('a', { kernels: [kernel, next] }), cluster('b')];
    const works = [work('a'), work('b')];
    const wanted = module({ imageCheck: 'Skip' });
    const skipped = linesOf({ present, wanted, clusters, works });
    assert.deepEqual(skipped.changes, ['a extended', 'b unchanged']);
    const at = skipped.lines.findIndex((line) => line.startsWith('imageCheck Required → Skip: '));
    assert.equal(
      skipped.lines[at + 1],
      `  1 cluster would get at once what the hub does not know to be there: a (${next})`,
    );

    const unpinned = work('a', oldSpec, `quay.io/org/a:${kernel}`);
    const back = linesOf({ present: wanted, wanted: module(), clusters, works: [unpinned, work('b')] });
    assert.deepEqual(back.changes, ['a unchanged', 'b unchanged']);
    const from = back.lines.findIndex((line) => line.startsWith('imageCheck Skip → Required: '));
    assert.equal(
      back.lines[from + 1],
      `  1 cluster would keep until the next version what was shipped by name: a (${kernel})`,
    );
    const same = linesOf({ present, wanted: module(), clusters, works });
    assert.ok(!same.lines.some((line) => line.startsWith('imageCheck')));
    assert.deepEqual(same.changes, ['a unchanged', 'b unchanged']);
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
