import assert from 'node:assert/strict';
import type {
  ManagedCluster,
  ManagedClusterModule,
  ManagedClusterModuleSpec,
  ManagedClusterModuleStatus,
  ManifestWork,
} from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { labels } from '../../shared/kube/names.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { buildWork } from '../managed-cluster-module/work.ts';
import { answered, managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { adviceFor } from './advice.ts';
import { explain, firstTrouble } from './explain.ts';
import { explainReport } from './explain-command.ts';

const kernel = '5.14.0-1';
const spec = moduleSpec();
const shipped = {
  ...spec,
  moduleLoader: {
    ...spec.moduleLoader,
    container: {
      ...spec.moduleLoader!.container,
      kernelMappings: [{ literal: kernel, containerImage: 'quay.io/org/a@sha256:1' }],
    },
  },
};

function module(
  status: ManagedClusterModuleStatus = {},
  change: Partial<ManagedClusterModuleSpec> = {},
): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'nic', uid: 'u', generation: 1 },
    spec: { selector: {}, spokeNamespace, moduleSpec: spec, ...change },
    status: { observedGeneration: 1, ...status },
  };
}

function work(report: object, values: Parameters<typeof answered>[2] = {}): ManifestWork {
  const revision = revisionName('nic', spec);
  const made = buildWork({
    module: 'nic',
    spokeNamespace,
    cluster: 'berlin',
    revision,
    spec: shipped,
    updatedAt: nowText,
  });
  return answered(made, { state: contentHash(shipped), report: JSON.stringify({ v: 1, ...report }) }, values);
}
const loaded = { nodes: [1, 1, 0, 0], kernels: { [kernel]: [1, 1, 0, 0] } };
const failing = (reason: string, message = 'why') => ({
  nodes: [1, 0, 1, 0],
  kernels: { [kernel]: [1, 0, 1, 0] },
  errors: [{ node: 'n1', kernel, reason, message }],
});

interface Case {
  module?: ManagedClusterModule;
  cluster?: ManagedCluster | undefined;
  work?: ManifestWork | undefined;
}
const inputOf = (given: Case) => ({
  module: module(),
  clusterName: 'berlin',
  cluster: managedCluster({ name: 'berlin', kernels: [kernel] }),
  work: work(loaded),
  nowMs: Date.parse(nowText) + 3_600_000,
  operatorNamespace: 'hub',
  ...given,
});
const waiting = (reason: string) => module({ clusters: [{ name: 'berlin', state: 'Waiting', reason, message: 'm' }] });
const image = (state: 'Missing' | 'Building' | 'Verified', reason?: string) =>
  module({
    images: [
      {
        kernelVersion: kernel,
        image: `quay.io/org/a:${kernel}`,
        state,
        digest: 'sha256:1',
        ...(reason && { reason, message: 'm' }),
      },
    ],
  });
const upcoming = (kernelVersion: string, selector = {}) => ({ upcomingKernels: [{ kernelVersion, selector }] });
const there = {
  images: [kernel, '6.1.0-2'].map((kernelVersion) => ({
    kernelVersion,
    image: `quay.io/org/${kernelVersion === kernel ? 'a' : 'b'}:${kernelVersion}`,
    state: 'Verified' as const,
    digest: 'sha256:1',
  })),
};
const foreign = () => {
  const made = work(loaded);
  const { [labels.managedClusterModule]: _, ...rest } = made.metadata.labels ?? {};
  return { ...made, metadata: { ...made.metadata, labels: rest } };
};
const olderWork = () => {
  const made = work(loaded);
  const annotations = { ...made.metadata.annotations, 'hub.kmm.sigs.x-k8s.io/revision': 'nic-old' };
  return { ...made, metadata: { ...made.metadata, annotations } };
};

describe('the chain that explain follows', () => {
  it('is well from the object to the nodes', () => {
    const chain = explain(inputOf({}));
    assert.deepEqual(
      chain.map(({ name, state }) => `${name} ${state}`),
      ['module ok', 'cluster ok', 'claim ok', 'mapping ok', 'image ok', 'work ok', 'applied ok', 'loaded ok'],
    );
    assert.equal(firstTrouble(chain), undefined);
  });

  const cases: readonly [string, Case, string][] = [
    ['an invalid spec', { module: module({}, { spokeNamespace: '..' }) }, 'module broken InvalidSpec'],
    ['a hub that has not looked', { module: module({ observedGeneration: 0 }) }, 'module waits NotObserved'],
    ['a cluster that is not there', { cluster: undefined, work: undefined }, 'cluster broken ClusterNotFound'],
    ['a cluster that is not selected', { module: module({}, { selector: { a: 'b' } }) }, 'cluster broken NotSelected'],
    [
      'a cluster out of reach',
      { cluster: managedCluster({ name: 'berlin', kernels: [kernel], available: 'Unknown' }) },
      'cluster broken ClusterUnreachable',
    ],
    ['a cluster without a claim', { cluster: managedCluster({ name: 'berlin' }) }, 'claim broken NoKernelClaim'],
    [
      'a kernel without mapping',
      { cluster: managedCluster({ name: 'berlin', kernels: ['4.18.0-1'] }) },
      'mapping broken NoKernelMapping',
    ],
    [
      'an image that is missing',
      { module: image('Missing', 'ImageMissing'), work: undefined },
      'image broken ImageMissing',
    ],
    [
      'an image that is built',
      { module: image('Building', 'ImageBuilding'), work: undefined },
      'image waits ImageBuilding',
    ],
    ['no work yet', { work: undefined, module: image('Verified') }, 'work waits NoWork'],
    ["somebody else's work", { work: foreign() }, 'work broken ForeignWork'],
    ['a turn that has not come', { work: olderWork(), module: waiting('WaitsForTurn') }, 'work waits WaitsForTurn'],
    [
      'a paused rollout',
      { work: olderWork(), module: module({}, { rollout: { paused: true } }) },
      'work broken Paused',
    ],
    ['a work that is not applied', { work: work(loaded, { generation: 0 }) }, 'applied waits NotApplied'],
    [
      'a work that cannot be applied',
      { work: work(loaded, { applied: 'False', message: 'no namespace' }) },
      'applied broken ApplyFailed',
    ],
    ['a module of somebody else', { work: work(failing('OwnedByOther')) }, 'loaded broken OwnedByOther'],
    ['a module that was loaded by hand', { work: work(failing('LoadedByOther')) }, 'loaded broken LoadedByOther'],
    ['a module in use', { work: work(failing('ModuleInUse')) }, 'loaded broken ModuleInUse'],
    [
      'a key that is not known',
      { work: work(failing('RequiredKeyNotAvailable')) },
      'loaded broken RequiredKeyNotAvailable',
    ],
    [
      'a cluster that is well again, but not for long enough',
      { module: module({ clusters: [{ name: 'berlin', state: 'Progressing', reason: 'Soaking', message: 'm' }] }) },
      'loaded waits Soaking',
    ],
    ['nodes on their way', { work: work({ nodes: [2, 1, 0, 0] }) }, 'loaded waits Loading'],
  ];
  for (const [name, given, expected] of cases) {
    it(`breaks at ${name}, and says what to do`, () => {
      const trouble = firstTrouble(explain(inputOf(given)));
      assert.equal(`${trouble?.name} ${trouble?.state} ${trouble?.reason}`, expected);
      assert.doesNotMatch(adviceFor(trouble?.reason ?? '', 'nic'), /reading-status/);
    });
  }

  it('shows whether upcoming kernels are prepared, which is no trouble yet', () => {
    const upcomingKernels = [kernel, '6.1.0-2', '4.18.0-1'].map((kernelVersion) => ({ kernelVersion }));
    const missing = [
      { kernelVersion: '6.1.0-2', image: 'quay.io/org/b:6.1.0-2', state: 'Missing' as const, message: 'not there' },
    ];
    const input = inputOf({ module: module({ images: missing }, { upcomingKernels }) });
    const { lines, code } = explainReport(input, { colours: false });
    assert.equal(code, 0);
    assert.equal(lines[0], 'nic on berlin: all is well; not all upcoming kernels are prepared (ImageMissing)');
    const at = lines.findIndex((line) => line.startsWith('  not yet'));
    assert.deepEqual(lines.slice(at, at + 5), [
      `  not yet upcoming  ${kernel}: prepared, the work maps it`,
      '                    6.1.0-2: quay.io/org/b:6.1.0-2: ImageMissing: not there',
      '                    4.18.0-1: NoKernelMapping: no kernel mapping matches',
      `                    what to do: ImageMissing: ${adviceFor('ImageMissing', 'nic')}`,
      `                    what to do: NoKernelMapping: ${adviceFor('NoKernelMapping', 'nic')}`,
    ]);
  });

  const ahead: readonly [string, Case, string | undefined][] = [
    ['is prepared', {}, 'ok undefined'],
    ['belongs to other clusters', { module: module({}, upcoming('6.1.0-2', { ring: 'x' })) }, undefined],
    ['has an image that nobody has looked for', { module: module({}, upcoming('6.1.0-2')) }, 'notYet NotKnown'],
    ['is there, and not written yet', { module: module(there, upcoming('6.1.0-2')) }, 'notYet Waiting'],
    ['has no work', { work: undefined, module: module(there, upcoming('6.1.0-2')) }, 'notYet Waiting'],
    ["is kept off by somebody else's work", { work: foreign() }, 'notYet ForeignWork'],
    [
      'waits for the turn of its cluster',
      {
        work: olderWork(),
        module: module(
          { ...there, clusters: [{ name: 'berlin', state: 'Waiting', reason: 'WaitsForTurn' }] },
          upcoming('6.1.0-2'),
        ),
      },
      'notYet WaitsForTurn',
    ],
  ];
  for (const [name, given, expected] of ahead) {
    it(`tells of an upcoming kernel that it ${name}`, () => {
      const chain = explain(inputOf({ module: module({}, upcoming(kernel)), ...given }));
      const link = chain.find((each) => each.name === 'upcoming');
      assert.equal(link && `${link.state} ${link.reason}`, expected);
      assert.doesNotMatch(adviceFor(link?.reason ?? 'Waiting', 'nic'), /reading-status/);
    });
  }

  it('is printed with the first broken link marked, in colours on a terminal only, without what nodes could do to it', () => {
    const input = inputOf({ work: work(failing('ModuleInUse', 'held by \u001b[2J\u202ex')) });
    const { lines, code } = explainReport(input, { colours: false });
    assert.equal(code, 1);
    assert.equal(lines[0], 'nic on berlin: breaks at loaded (ModuleInUse)');
    assert.deepEqual(lines.slice(-3), [
      '> BROKEN  loaded    1 of 1 nodes failed: n1 ModuleInUse: held by [2Jx',
      `                    n1 (${kernel}): ModuleInUse: held by [2Jx`,
      `                    what to do: ModuleInUse: ${adviceFor('ModuleInUse', 'nic')}`,
    ]);
    assert.ok(
      explainReport(input, { colours: true }).lines.some((line) => line.includes('\u001b[31mBROKEN \u001b[0m')),
    );
    assert.deepEqual(explainReport(inputOf({}), { colours: false }).code, 0);
  });

  it('gives advice for the module that is asked for', () => {
    assert.equal(adviceFor('Paused', 'nic'), 'kubectl kmm rollout resume nic');
    assert.match(adviceFor('constructor', 'nic'), /reading-status/);
  });
});
