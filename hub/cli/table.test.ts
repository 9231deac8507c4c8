import assert from 'node:assert/strict';
import type {
  ManagedClusterModule,
  ManagedClusterModuleStatus,
  ManifestWork,
} from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { buildWork } from '../managed-cluster-module/work.ts';
import { answered, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { rowsOf } from './rows.ts';
import { summaryOf } from './summary.ts';
import { formatRows } from './table.ts';

function work(cluster: string, values: Record<string, string | number>, module = 'nic'): ManifestWork {
  const spec = moduleSpec();
  return answered(buildWork({ module, spokeNamespace, cluster, revision: 'r', spec, updatedAt: nowText }), values);
}
const shipped = contentHash(moduleSpec());
const reporting = (cluster: string, report: object, state = shipped) =>
  work(cluster, { report: JSON.stringify({ v: 1, ...report }), state });

function module(status: ManagedClusterModuleStatus, name = 'nic'): ManagedClusterModule {
  return {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name, generation: 2 },
    spec: { selector: {}, spokeNamespace },
    status,
  };
}

const fleet = [
  reporting('berlin', {
    nodes: [3, 2, 1, 0],
    kernels: { '5.14.0-1': [2, 2, 0, 0], '6.1.0-2': [1, 0, 1, 0] },
    unmapped: ['4.18.0-3'],
    errors: [{ node: 'n3', kernel: '6.1.0-2', reason: 'ModuleNotFound', message: 'no \u001b[31mmodule' }],
  }),
  work('aachen', { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 1 }),
  reporting('celle', { nodes: [1, 1, 0, 0], kernels: { '5.14.0-1': [1, 1, 0, 0] } }),
];
const status: ManagedClusterModuleStatus = {
  observedGeneration: 1,
  clusters: [
    { name: 'aachen', state: 'Progressing', reason: 'Loading', message: 'loaded on 1 of 2 nodes' },
    { name: 'celle', state: 'Unreachable', reason: 'ClusterUnreachable' },
    { name: 'dresden', state: 'Waiting', reason: 'ImageMissing', message: 'kernel 6.1.0-2' },
  ],
};

describe('the table of a fleet', () => {
  it('has a line per module, cluster and kernel, aligned, and says what is in the way', () => {
    assert.deepEqual(formatRows(rowsOf([module(status)], fleet)), [
      'MODULE  CLUSTER  KERNEL    STATE        NODES  DETAIL',
      'nic     aachen   -         Loading      1/2    Loading: loaded on 1 of 2 nodes',
      'nic     berlin   4.18.0-3  Unmapped     -      no kernel mapping',
      'nic     berlin   5.14.0-1  Loaded       2/2',
      'nic     berlin   6.1.0-2   Failed       0/1    n3: ModuleNotFound: no [31mmodule',
      'nic     celle    -         Unreachable  -      ClusterUnreachable',
      'nic     dresden  -         Waiting      -      ImageMissing: kernel 6.1.0-2',
    ]);
  });

  it('does not show as loaded what a cluster said of the state before', () => {
    const stale = reporting(
      'berlin',
      { nodes: [1, 1, 0, 0], kernels: { '5.14.0-1': [1, 1, 0, 0] } },
      'aaaaaaaaaaaaaaaa',
    );
    const [row] = rowsOf([module({})], [stale]);
    assert.deepEqual([row?.state, row?.nodes, row?.detail], ['Loading', '-', 'not reported on yet']);
  });

  it('shows works of modules that are listed only, and an empty fleet as its heading', () => {
    assert.deepEqual(rowsOf([module({}, 'other')], fleet), []);
    assert.deepEqual(formatRows([]), ['MODULE  CLUSTER  KERNEL  STATE  NODES  DETAIL']);
  });

  it('colours states when asked to, and cuts lines at the width of a terminal', () => {
    const rows = rowsOf([module(status)], fleet);
    const coloured = formatRows(rows, { colours: true });
    assert.ok(coloured[4]?.includes('6.1.0-2   \u001b[31mFailed\u001b[0m       0/1'));
    for (const line of formatRows(rows, { width: 40 })) assert.ok(line.length <= 40);
  });
});

describe('the summary of a module', () => {
  it('tells conditions, clusters and images, and that a spec is too new for them', () => {
    const summary = summaryOf(
      module({
        observedGeneration: 1,
        conditions: [
          { type: 'Ready', status: 'True', reason: 'AllClustersReady', message: 'all 2', lastTransitionTime: nowText },
        ],
        rollout: { selected: 2, succeeded: 2, updated: 2 },
        images: [{ kernelVersion: 'k', image: 'i:1', state: 'Verified', digest: 'sha256:1' }],
        moreImages: 3,
      }),
    );
    assert.deepEqual(summary, [
      'nic (the hub has not looked at this version yet)',
      '  Ready             True    AllClustersReady: all 2',
      '  clusters          2 selected, 2 updated, 2 succeeded, 0 progressing, 0 waiting, 0 failed, 0 unreachable',
      '  image             k i:1 Verified sha256:1',
      '  image             and 3 more',
    ]);
  });

  it('has no line that a registry or a cluster could fake', () => {
    const text = 'gone\nnic: ready\u001b[2J\u202e\u2028x';
    const image = { kernelVersion: text, image: text, state: 'Missing' as const, message: text };
    const condition = {
      type: 'Ready',
      status: 'False' as const,
      reason: text,
      message: text,
      lastTransitionTime: nowText,
    };
    const rollout = { group: text, message: text };
    const lines = summaryOf(module({ conditions: [condition], rollout, images: [image] }));
    assert.equal(lines.length, 5);
    assert.doesNotMatch(lines.join(''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
