import assert from 'node:assert/strict';
import {
  type ClusterStatus,
  type ManagedClusterModule,
  type ManagedClusterModuleStatus,
  type ManifestWork,
  type ModuleSpec,
  managedClusters,
} from '@open-cluster-management/api-types';
import { parse } from 'yaml';
import type { ListOptions } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { annotations } from '../../shared/kube/names.ts';
import { type ClusterView, viewCluster } from '../fleet/cluster.ts';
import { isUnconfirmed } from '../managed-cluster-module/orphan/answer.ts';
import type { Ending } from '../managed-cluster-module/picture.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { buildWork, viewWork } from '../managed-cluster-module/work.ts';
import { answered, managedCluster, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { listAll, slimWork } from './fleet-lists.ts';
import type { OutputFormat, StatusOptions } from './options.ts';
import { printReport } from './report.ts';
import { type Row, rowsOf } from './rows.ts';
import { statusReport } from './status.ts';

const spec = moduleSpec();
const all: StatusOptions = {
  kind: 'status',
  module: undefined,
  output: 'table',
  cluster: undefined,
  state: undefined,
  kernel: undefined,
  watch: false,
};
const plain = { colours: false, width: undefined };

function module(status: ManagedClusterModuleStatus, ready: 'True' | 'False' = 'True'): ManagedClusterModule {
  const conditions = [{ type: 'Ready', status: ready, reason: 'Why', message: 'm', lastTransitionTime: nowText }];
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name: 'nic', generation: 1 },
    spec: { selector: { ring: 'one' }, spokeNamespace, moduleSpec: spec },
    status: { observedGeneration: 1, conditions, ...status },
  };
}
const row = (change: Partial<Row>): Row => ({
  module: 'nic',
  cluster: 'a',
  kernel: '6.1.0-2',
  state: 'Loaded',
  nodes: '1/1',
  detail: '',
  version: 'nic-1',
  current: true,
  image: 'i@sha256:1',
  ...change,
});

describe('the status of a fleet', () => {
  it('is well when every module is ready at its present spec, and with a filter when every chosen row is', () => {
    const rows = [row({}), row({ cluster: 'b', state: 'Failed', detail: 'n1: ModuleInUse: m' })];
    const codeOf = (given: ManagedClusterModule, options: Partial<StatusOptions> = {}) =>
      statusReport({ modules: [given], rows }, { ...all, ...options }, plain).code;
    assert.equal(codeOf(module({})), 0);
    assert.equal(codeOf(module({}, 'False')), 1);
    assert.equal(codeOf(module({ observedGeneration: 0 })), 1);
    assert.equal(codeOf(module({}), { cluster: 'b' }), 1);
    assert.equal(codeOf(module({}, 'False'), { cluster: 'a' }), 0);
    assert.equal(codeOf(module({}), { cluster: 'nobody' }), 1);
    assert.equal(codeOf(module({}), { state: 'Failed' }), 1);
    assert.equal(codeOf(module({}), { kernel: '5.14.0-1' }), 0);
  });

  it('is not well where rows are well at another version than the present, and counts nobody as well at a spec unseen', () => {
    const given = module({ rollout: { selected: 1, succeeded: 1 } });
    const codeOf = (old: Partial<Row>, options: Partial<StatusOptions>) =>
      statusReport({ modules: [given], rows: [row(old)] }, { ...all, ...options }, plain).code;
    for (const filter of [{ cluster: 'a' }, { state: 'Loaded' }, { kernel: '6.1.0-2' }] as const) {
      assert.equal(codeOf({ current: false }, filter), 1);
      assert.equal(codeOf({}, filter), 0);
    }
    const unseen = { ...given, status: { ...given.status, observedGeneration: 0 } };
    const { lines } = statusReport({ modules: [unseen], rows: [row({})] }, all, { colours: false, width: 80 });
    assert.deepEqual(lines.slice(0, 2), ['nic: not ready (the hub has not looked at this version yet)', '']);
  });

  it('knows of each row whether it is of the present version, which an invalid spec has none of', () => {
    const of = { module: 'nic', spokeNamespace, spec, updatedAt: nowText };
    const built = [
      buildWork({ ...of, cluster: 'new', revision: revisionName('nic', spec) }),
      buildWork({ ...of, cluster: 'old', revision: 'nic-old' }),
    ];
    const upstreams = buildWork({ ...of, cluster: 'upstream', revision: 'x' });
    const works = [...built, { ...upstreams, metadata: { ...upstreams.metadata, annotations: {} } }];
    const currentOf = (given: ManagedClusterModule) =>
      rowsOf([given], works).map(({ cluster, current }) => `${cluster} ${current}`);
    assert.deepEqual(currentOf(module({})), ['new true', 'old false', 'upstream false']);
    const conditions = [
      { type: 'Ready', status: 'False' as const, reason: 'InvalidSpec', message: 'm', lastTransitionTime: nowText },
    ];
    const invalid = module({ conditions });
    assert.deepEqual(currentOf(invalid), ['new false', 'old false', 'upstream false']);
    assert.match(rowsOf([module({})], works)[2]?.detail ?? '', /^has no version of this hub's, not yet nic-/);
  });

  describe('of who is loaded and must stay so', () => {
    type Nodes = [desired: number, loaded: number, failed: number, unreachable: number];
    const labels = { ring: 'one' };
    const fleet = [viewCluster(managedCluster({ name: 'a', labels }))];
    const soaking: ClusterStatus = { name: 'a', state: 'Progressing', reason: 'Soaking', message: 'm' };
    const workWith = (
      kernels: Record<string, Nodes>,
      more: {
        values?: Record<string, number>;
        ending?: Ending;
        spec?: ModuleSpec;
        unmapped?: string[];
        applied?: 'False';
      } = {},
    ) => {
      const of = {
        module: 'nic',
        spokeNamespace,
        cluster: 'a',
        revision: revisionName('nic', spec),
        updatedAt: nowText,
      };
      const work = buildWork({ ...of, spec: more.spec ?? spec, ...(more.ending && { ending: more.ending }) });
      const sum = (index: number) => Object.values(kernels).reduce((all, counts) => all + (counts[index] ?? 0), 0);
      const nodes = [0, 1, 2, 3].map(sum);
      const report = JSON.stringify({ v: 1, nodes, kernels, ...(more.unmapped && { unmapped: more.unmapped }) });
      const state = work.metadata.annotations?.[annotations.state] ?? '';
      return answered(work, { state, report, ...more.values }, more.applied && { applied: more.applied });
    };
    const loaded = workWith({ k1: [3, 3, 0, 0] });
    const going = (change: Partial<ManagedClusterModuleStatus> = {}, rollout = { type: 'Progressive' }) => {
      const given = module({ rollout: { progressing: 2 }, ...change });
      const spec = { ...given.spec, rollout: { minSuccessTime: '10m', ...rollout } };
      return { ...given, spec } as ManagedClusterModule;
    };
    const statesOf = (given: ManagedClusterModule, work: ManifestWork, clusters = fleet) =>
      rowsOf([given], [work], clusters).map(({ kernel, state }) => `${kernel} ${state}`);

    it('says Soaking, by the status, or by the work where the status has no room for all', () => {
      const text = 'Soaking: loaded on 3 nodes; counts as succeeded when that has held for 600 s';
      assert.deepEqual(rowsOf([going()], [loaded], fleet)[0]?.detail, text);
      for (const given of [going(), going({}, { type: 'ProgressivePerGroup' }), going({ clusters: [soaking] })]) {
        assert.deepEqual(statesOf(given, loaded), ['k1 Soaking']);
      }
      assert.deepEqual(statesOf(going({ clusters: [soaking] }, { type: 'All' }), loaded), ['k1 Soaking']);
      const bySpokeOfOthers = answered(workWith({}), {
        'moduleLoader.desiredNumber': 1,
        'moduleLoader.availableNumber': 1,
      });
      assert.deepEqual(statesOf(going({ clusters: [soaking] }), bySpokeOfOthers), ['- Soaking']);
    });

    it('is not well, and does not wait for kernels that keep no cluster from succeeding', () => {
      const mixed = workWith({ k1: [3, 3, 0, 0] }, { unmapped: ['k2'] });
      for (const given of [going(), going({ clusters: [soaking] })]) {
        assert.deepEqual(statesOf(given, mixed), ['k1 Soaking', 'k2 Unmapped']);
      }
      const picture = { modules: [module({})], rows: rowsOf([going()], [loaded], fleet) };
      assert.equal(statusReport(picture, { ...all, cluster: 'a' }, plain).code, 1);
    });

    it('says it of nobody else: succeeded, not well, not served any more, or of another version', () => {
      const [other, deletionTimestamp] = [{ ...soaking, reason: 'Other' }, nowText];
      const plugin = { ...spec, devicePlugin: { container: { image: 'p' } } };
      const short = workWith({ k1: [3, 3, 0, 0] }, { spec: plugin, values: { 'devicePlugin.desiredNumber': 3 } });
      const gone = { ...loaded, metadata: { ...loaded.metadata, deletionTimestamp } };
      const hostile = [null, 'x', []].map((spec) => {
        const manifests = loaded.spec.workload?.manifests?.map((manifest) => ({ ...manifest, spec }));
        return { ...loaded, spec: { ...loaded.spec, workload: { manifests } } } as ManifestWork;
      });
      const odd = { ...going(), spec: { ...going().spec, rollout: { type: 'Progressive', minSuccessTime: 5 } } };
      const deleted = { ...going(), metadata: { ...going().metadata, deletionTimestamp } };
      const cases: [why: string, given: ManagedClusterModule, work: ManifestWork, clusters?: ClusterView[]][] = [
        ['succeeded', going(), workWith({ k1: [3, 3, 0, 0] }, { ending: { succeededAt: nowText } })],
        [
          'all are named',
          going({
            clusters: [
              { ...soaking, name: 'b' },
              { ...soaking, name: 'c' },
            ],
          }),
          loaded,
        ],
        ['another trouble', going({ clusters: [other] }), loaded],
        ['waits', going({ clusters: [{ ...soaking, state: 'Waiting' }] }), loaded],
        ['no waves', going({}, { type: 'All' }), loaded],
        ['no time', { ...going(), spec: { ...going().spec, rollout: { type: 'Progressive' } } } as never, loaded],
        ['time that is no text', odd as never, loaded],
        ['status of another spec', going({ observedGeneration: 0 }), loaded],
        ['not selected', going(), loaded, []],
        ['plugin that does not come', going(), short],
        ['not applied', going(), workWith({ k1: [3, 3, 0, 0] }, { applied: 'False' })],
        ['work that goes', going(), gone],
        ...hostile.map((each): (typeof cases)[number] => ['a work that its agent wrote', going(), each]),
        ['module that goes', deleted, loaded],
      ];
      for (const [why, given, work, clusters] of cases) {
        const states = rowsOf([given], [work], clusters ?? fleet).map(({ state }) => state);
        assert.ok(!states.includes('Soaking'), `${why}: ${states}`);
      }
      const old = going({ clusters: [soaking] });
      const next = { ...old, spec: { ...old.spec, moduleSpec: { ...spec, selector: { other: '' } } } } as never;
      assert.deepEqual(statesOf(next, loaded), ['k1 Loaded']);
      assert.deepEqual(statesOf(going(), workWith({ k1: [3, 3, 0, 0], k2: [1, 0, 1, 0] })), ['k1 Loaded', 'k2 Failed']);
    });
  });

  it('has a line a module, and a bar on a terminal only', () => {
    const status = module({ rollout: { selected: 4, succeeded: 2, failed: 1 } }, 'False');
    const lines = statusReport({ modules: [status], rows: [row({})] }, all, plain).lines;
    assert.deepEqual(lines.slice(0, 2), ['nic: not ready (Why), 2 of 4 clusters well, 1 failed', '']);
    const onTerminal = statusReport({ modules: [status], rows: [row({})] }, all, { colours: true, width: 80 }).lines;
    assert.equal(onTerminal[0], 'nic: \u001b[31mnot ready\u001b[0m (Why), 2 of 4 clusters well, 1 failed');
    assert.match(onTerminal[1] ?? '', /█{15}.*▒{8}.*░{7}\] 2 of 4 clusters succeeded$/);
    assert.match(statusReport({ modules: [], rows: [] }, all, plain).lines[0] ?? '', /no ManagedClusterModule/);
  });

  it('has a row for every selected cluster, also those that the status has no room for', () => {
    const labels = { ring: 'one' };
    const clusters = [
      managedCluster({ name: 'a', labels }),
      managedCluster({ name: 'b', labels }),
      managedCluster({ name: 'c', labels, available: 'False' }),
      managedCluster({ name: 'd' }),
    ].map(viewCluster);
    const work = buildWork({
      module: 'nic',
      spokeNamespace,
      cluster: 'a',
      revision: 'nic-old',
      spec,
      updatedAt: nowText,
    });
    const rows = rowsOf([module({})], [slimWork(work)], clusters);
    assert.deepEqual(
      rows.map(({ cluster, state }) => `${cluster} ${state}`),
      ['a Idle', 'b Waiting', 'c Unreachable'],
    );
    assert.match(rows[0]?.detail ?? '', /^has version nic-old, not yet nic-[0-9a-f]{16}$/);
  });

  it('keeps of a work all that decisions and verdicts read', () => {
    const of = { module: 'nic', spokeNamespace, cluster: 'a', revision: 'r', spec, updatedAt: nowText };
    const ending = { succeededAt: nowText, failedAt: nowText };
    const work = buildWork({ ...of, startedAt: '2025-12-31T00:00:00Z', ending, adopted: '{}' });
    const told = { ...work, spec: { ...work.spec, deleteOption: { propagationPolicy: 'Orphan' as const } } };
    const small = slimWork(told);
    assert.deepEqual(viewWork(small, spokeNamespace), viewWork(told, spokeNamespace));
    assert.equal(small.metadata.annotations?.[annotations.startedAt], '2025-12-31T00:00:00Z');
    assert.deepEqual([isUnconfirmed(small), isUnconfirmed(told)], [true, true]);
  });

  for (const format of ['table', 'json', 'yaml'] as const satisfies OutputFormat[]) {
    it(`prints what clusters say without control characters as ${format}`, () => {
      const printed: string[] = [];
      const terminal = {
        ...plain,
        ask: undefined,
        complain: () => undefined,
        print: (text: string) => void printed.push(text),
      };
      const report = statusReport(
        { modules: [module({})], rows: [row({ detail: 'a\u001b[2J\u009b\u202eb' })] },
        all,
        plain,
      );
      printReport(terminal, report, format);
      const text = printed.join('\n');
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
      assert.match(text, /a \[2J {2}b/);
      if (format !== 'table') assert.equal((parse(text) as { rows: unknown[] }).rows.length, 1);
    });
  }
});

describe('lists', () => {
  const page = (names: string[], token?: string) => ({
    metadata: { resourceVersion: '1', ...(token !== undefined && { continue: token }) },
    items: names.map((name) => managedCluster({ name })),
  });

  it('come in pages, and are begun again once when the next page is too old', async () => {
    const asked: (string | undefined)[] = [];
    const answers = [page(['a'], 'next'), new KubeError(410, 'Expired', 'too old'), page(['a'], 'next'), page(['b'])];
    const client = {
      list: (_: unknown, { limit, continue: token }: ListOptions) => {
        assert.equal(limit, 500);
        asked.push(token);
        const answer = answers.shift()!;
        return answer instanceof KubeError ? Promise.reject(answer) : Promise.resolve(answer);
      },
    };
    const names = await listAll(client as never, managedClusters, {}, ({ metadata }) => metadata.name);
    assert.deepEqual(
      [names, asked],
      [
        ['a', 'b'],
        [undefined, 'next', undefined, 'next'],
      ],
    );
  });
});
