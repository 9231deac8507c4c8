import assert from 'node:assert/strict';
import type { ManagedClusterModule, ManagedClusterModuleSpec, ManifestWork } from '@open-cluster-management/api-types';
import { KubeError } from '../../shared/kube/errors.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { viewCluster } from '../fleet/cluster.ts';
import { decideRevisions, revisionName } from '../managed-cluster-module/revisions.ts';
import { buildWork } from '../managed-cluster-module/work.ts';
import { managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { UsageError } from './failures.ts';
import { preflight } from './preflight.ts';
import { preflightReport, runPreflight } from './preflight-command.ts';
import { undoOf } from './undo.ts';

const spec = moduleSpec();
const older = moduleSpec({ imageRepoSecret: { name: 'pull' } });

function module(change: Partial<ManagedClusterModuleSpec> = {}): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'nic', uid: 'u', generation: 1 },
    spec: { selector: {}, spokeNamespace, moduleSpec: spec, ...change },
  };
}

function work(cluster: string, of = spec): ManifestWork {
  const container = {
    ...of.moduleLoader!.container,
    kernelMappings: [{ literal: '5.14.0-1', containerImage: 'quay.io/org/a@sha256:1' }],
  };
  const shipped = { ...of, moduleLoader: { ...of.moduleLoader, container } };
  return buildWork({
    module: 'nic',
    spokeNamespace,
    cluster,
    revision: revisionName('nic', of),
    spec: shipped,
    updatedAt: nowText,
  });
}

function revisionsOf(...specs: (typeof spec)[]): ControllerRevision[] {
  const made: ControllerRevision[] = [];
  for (const moduleSpec of specs) {
    const picture = { module: 'nic', namespace: 'hub', moduleSpec, present: made, isUsed: () => true };
    made.push(decideRevisions(picture).wanted);
  }
  return made.reverse();
}

const clusters = ['a', 'b'].map((name) => viewCluster(managedCluster({ name, kernels: ['5.14.0-1'] })));
const ask = (kernel: string, given: Partial<Parameters<typeof preflight>[0]> = {}) =>
  preflight({
    kernel,
    module: module(),
    clusters,
    works: [work('a')],
    revisions: undefined,
    operatorNamespace: 'hub',
    ...given,
  });
const short = (found: ReturnType<typeof preflight>) =>
  found.map(({ clusters: names, verdict, reason }) => `${names.join()} ${verdict} ${reason}`);

describe('a preflight for a kernel', () => {
  it('is served where the work maps it, and not known where only the spec does', () => {
    assert.deepEqual(short(ask('5.14.0-1')), ['a Served Served', 'b NotKnown NotKnown']);
  });

  it('is not served without a mapping, with a wrong one, or by an image that is known to be missing', () => {
    assert.deepEqual(short(ask('4.18.0-1')), ['a,b NotServed NoKernelMapping']);
    const container = {
      ...spec.moduleLoader!.container,
      kernelMappings: [{ literal: '6.1', containerImage: 'quay.io/a:1' }],
    };
    const twoParts = module({ moduleSpec: moduleSpec({ moduleLoader: { container } }) });
    assert.deepEqual(short(ask('6.1', { module: twoParts, works: [] })), ['a,b NotServed KernelMappingError']);
    const images = [
      { kernelVersion: '6.1.0-2', image: 'quay.io/org/b:6.1.0-2', state: 'Missing' as const, reason: 'ImageMissing' },
    ];
    assert.deepEqual(short(ask('6.1.0-2', { module: { ...module(), status: { images } } })), [
      'a,b NotServed ImageMissing',
    ]);
    const there = [{ ...images[0]!, state: 'Verified' as const }];
    assert.deepEqual(short(ask('6.1.0-2', { module: { ...module(), status: { images: there } } })), [
      'a,b Served Served',
    ]);
    assert.deepEqual(short(ask('6.1.0-2', { module: module({ imageCheck: 'Skip' }) })), ['a,b Served Served']);
  });

  it('is asked of the version that a cluster has, and says so where that cannot be read', () => {
    const works = [work('a', older), work('b')];
    assert.deepEqual(short(ask('4.18.0-1', { works })), [
      'a NotKnown VersionNotReadable',
      'b NotServed NoKernelMapping',
    ]);
    const kept = revisionsOf(spec);
    assert.deepEqual(short(ask('4.18.0-1', { works, revisions: kept }))[0], 'a NotKnown RevisionLost');
    const invalid = module({ spokeNamespace: '..' });
    assert.deepEqual(short(ask('4.18.0-1', { module: invalid, works: [] })), ['a,b NotKnown InvalidSpec']);
    const revisions = revisionsOf(older, spec);
    assert.deepEqual(short(ask('4.18.0-1', { works, revisions })), [
      'a NotServed NoKernelMapping',
      'b NotServed NoKernelMapping',
    ]);
  });

  it('says which right is missing to who may not list versions, and advises no edit', async () => {
    const printed: string[] = [];
    const client = {
      get: () => Promise.resolve(module()),
      list: ({ plural }: { plural: string }) => {
        if (plural === 'controllerrevisions') return Promise.reject(new KubeError(403, 'Forbidden', 'no'));
        const items = plural === 'manifestworks' ? [work('a', older)] : [managedCluster({ name: 'a' })];
        return Promise.resolve({ metadata: {}, items });
      },
    };
    const terminal = { print: (line: string) => void printed.push(line) };
    const around = { client, terminal, namespace: 'hub' } as unknown as Parameters<typeof runPreflight>[1];
    const command = { kind: 'preflight', kernel: '4.18.0-1', module: 'nic', output: 'table' } as const;
    assert.equal(await runPreflight(command, around), 1);
    const text = printed.join('\n');
    assert.match(text, /VersionNotReadable: you may not list controllerrevisions in namespace hub;/);
    assert.match(text, /^VersionNotReadable: ask for .* Role kmm-operator-hub-revision-viewer-role$/m);
    assert.doesNotMatch(text, /RevisionLost|edit/);
  });

  it('is printed with the worst first, and is well only when all of it is known', () => {
    const { lines, code } = preflightReport('5.14.0-1', ask('5.14.0-1'));
    assert.deepEqual([lines[0], code], ['on kernel 5.14.0-1 0 clusters would go without a module', 1]);
    assert.match(lines[3] ?? '', /^nic +not known +1 +b /);
    assert.equal(preflightReport('5.14.0-1', ask('5.14.0-1').slice(0, 1)).code, 0);
    assert.match(preflightReport('4.18.0-1', ask('4.18.0-1')).lines[0] ?? '', /2 clusters would go/);
  });
});

describe('the version that an undo writes back', () => {
  const third = moduleSpec({ imageRebuildTriggerGeneration: 3 });

  it('is the one before the present, or the one that is named', () => {
    const revisions = revisionsOf(older, third, spec);
    assert.equal(undoOf(module(), revisions, undefined).revision, revisionName('nic', third));
    const name = revisionName('nic', older);
    assert.deepEqual(undoOf(module(), revisions, name), { revision: name, moduleSpec: older });
  });

  it('is none where none is kept, and what there is is named', () => {
    assert.throws(() => undoOf(module(), revisionsOf(spec), undefined), UsageError);
    assert.throws(
      () => undoOf(module(), revisionsOf(older, spec), 'x'),
      /got "x"; there are, the newest first: nic-[0-9a-f]{16}$/,
    );
  });
});
