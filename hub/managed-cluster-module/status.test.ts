import assert from 'node:assert/strict';
import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import { managedClusterModuleStatusSchema } from '@open-cluster-management/api-types/schemas';
import fc from 'fast-check';
import { moduleSpec, nowText, revision } from '../testing/pictures.ts';
import { eventsOf } from './events.ts';
import type { KernelPlan } from './kernel-plan.ts';
import { reasons } from './reasons.ts';
import type { ClusterRecord } from './records.ts';
import { type StatusPicture, statusOf } from './status.ts';

function record(cluster: string, overrides: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    cluster,
    generation: 1,
    selected: true,
    phase: 'Succeeded',
    reason: reasons.succeeded,
    message: 'loaded on 1 nodes',
    reporting: 'Full',
    updated: true,
    stage: 'Succeeded',
    work: { applied: true, degraded: false },
    upcoming: [],
    plans: [],
    notices: [],
    ignored: { ignored: [], moreIgnored: 0 },
    ...overrides,
  };
}

function plan(state: KernelPlan['state'], overrides: Partial<KernelPlan> = {}): KernelPlan {
  const image = state === 'Unmapped' || state === 'Invalid' ? {} : { image: 'q/a:1' };
  return { kernel: 'k1', revision: 'm-1', state, reason: `Image${state}`, message: 'why', ...image, ...overrides };
}

function status(records: readonly ClusterRecord[], overrides: Partial<StatusPicture> = {}): ManagedClusterModuleStatus {
  return statusOf({
    generation: 1,
    present: {},
    problems: [],
    hold: undefined,
    standing: undefined,
    revision: 'm-1',
    current: undefined,
    imageCheck: 'Required',
    warnings: [],
    records,
    nowText,
    ...overrides,
  });
}

function condition(of: ManagedClusterModuleStatus, type: string): string {
  const found = of.conditions?.find((each) => each.type === type);
  return `${found?.status} ${found?.reason}: ${found?.message}`;
}

const unwell: Partial<Record<ClusterRecord['phase'], Partial<ClusterRecord>>> = {
  Waiting: { phase: 'Waiting', reason: reasons.imageMissing, message: 'kernel k1', updated: false },
  Progressing: { phase: 'Progressing', reason: reasons.loading, message: '1 of 2' },
  Failed: { phase: 'Failed', reason: reasons.loadFailed, message: 'n1' },
  Unreachable: { phase: 'Unreachable', reason: reasons.unreachable, message: '' },
};

describe('the status of a module', () => {
  it('is Ready exactly when every selected reachable cluster succeeded', () => {
    assert.match(condition(status([record('c1'), record('c2')]), 'Ready'), /^True AllClustersReady/);
    assert.match(condition(status([record('c1'), record('c2', unwell.Unreachable)]), 'Ready'), /^True .*1 unreachable/);
    const silent = record('c2', { reporting: 'NothingReported', reason: reasons.nothingReported });
    assert.match(condition(status([record('c1'), silent]), 'Ready'), /^True .*1 report nothing: c2/);
    assert.match(condition(status([]), 'Ready'), /^True NoClusterSelected/);
    for (const phase of ['Waiting', 'Progressing', 'Failed'] as const) {
      const seen = status([record('c1'), record('c2', unwell[phase])]);
      assert.match(condition(seen, 'Ready'), new RegExp(`^False ${unwell[phase]?.reason}: 1 of 2 reachable .*c2`));
      assert.equal(seen.clusters?.[0]?.name, 'c2');
    }
    const outdated = record('c1', { generation: 0 });
    assert.match(condition(status([outdated]), 'Ready'), /^False/);
  });

  it('counts works as upstream does, also those of clusters that are no longer selected [153]', () => {
    const gone = record('c3', { selected: false, work: { applied: true, degraded: true } });
    const { numberDesired, numberApplied, numberDegraded } = status([
      record('c1'),
      record('c2', { work: { applied: false, degraded: false } }),
      gone,
      record('c4', { work: undefined }),
    ]);
    assert.deepEqual([numberDesired, numberApplied, numberDegraded], [3, 2, 1]);
  });

  it('names the first problem of an invalid spec in Ready and Degraded', () => {
    const invalid = { reason: reasons.invalidSpec, message: 'spec.x: wrong' };
    const seen = status([record('c1')], { problems: [invalid], hold: invalid });
    for (const type of ['Ready', 'Progressing'])
      assert.equal(condition(seen, type), 'False InvalidSpec: spec.x: wrong');
    assert.equal(condition(seen, 'Degraded'), 'True InvalidSpec: spec.x: wrong');
  });

  it('says what is held, and that nothing new is shipped', () => {
    const hold = { reason: reasons.paused, message: 'paused' };
    const seen = status([record('c1', { ...unwell.Waiting, ...hold })], { hold });
    assert.equal(condition(seen, 'Progressing'), 'False Paused: paused');
    assert.match(condition(seen, 'Ready'), /^False Paused/);
    assert.equal(seen.rollout?.phase, 'Paused');
  });

  it('shows the worst state of an image, in whatever order clusters were looked at', () => {
    const [checking, verified] = [record('c1', { plans: [plan('Checking')] }), { plans: [plan('Verified')] }];
    for (const records of [
      [checking, record('c2', verified)],
      [record('c0', verified), checking],
    ]) {
      const images = status(records).images ?? [];
      assert.deepEqual(
        images.map(({ state, clusters }) => [state, clusters]),
        [['Checking', 2]],
      );
    }
  });

  it('lists images once, those in trouble first, with the number of clusters', () => {
    const clusters = [
      record('c1', {
        plans: [plan('Verified', { digest: 'sha256:1' }), plan('Missing', { kernel: 'k2', image: 'q/b:1' })],
      }),
      record('c2', { plans: [plan('Verified', { digest: 'sha256:1' })] }),
    ];
    const seen = status(clusters);
    assert.deepEqual(
      seen.images?.map(({ kernelVersion, state, clusters: count, digest }) => [kernelVersion, state, count, digest]),
      [
        ['k2', 'Missing', 1, undefined],
        ['k1', 'Verified', 2, 'sha256:1'],
      ],
    );
    assert.match(condition(seen, 'ImagesReady'), /^False ImageMissing: 1 of 2 .*k2.*q\/b:1/);
    assert.match(
      condition(status([record('c1', { plans: [plan('Unknown')] })]), 'ImagesReady'),
      /^Unknown ImageUnknown/,
    );
    assert.equal(condition(status([]), 'ImagesReady'), 'True AllImagesVerified: no image is known to be needed');
    assert.match(condition(status([clusters[1]!], { warnings: ['Secret x'] }), 'ImagesReady'), /^True .*Secret x/);
  });

  it('fits its schema with image names and half characters of any length', () => {
    const long = record('c1', {
      ...unwell.Failed,
      message: 'x'.repeat(510) + '\u{1f4a3}'.repeat(9),
      plans: [plan('Unknown', { image: 'q'.repeat(5000) })],
    });
    const seen = status([long]);
    assert.deepEqual(managedClusterModuleStatusSchema.safeParse(seen).error?.issues, undefined);
    // Half a pair would come back from the server as another character, and be written again and again.
    assert.ok(JSON.stringify(seen).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(seen)));
  });

  it('says for a kernel that nodes will boot how many clusters are prepared, and what stops the others', () => {
    const problem = { reason: reasons.imageMissing, message: 'is not in the registry' };
    const seen = status([
      record('c1', { upcoming: [{ kernel: 'k9', problem: undefined }] }),
      record('c2', {
        upcoming: [{ kernel: 'k9', problem }],
        plans: [plan('Unmapped', { kernel: 'k9', upcoming: true })],
      }),
      record('c3'),
    ]);
    assert.deepEqual(seen.upcomingKernels, [
      { kernelVersion: 'k9', clusters: 2, prepared: 1, exampleCluster: 'c2', ...problem },
    ]);
    assert.equal(seen.unmappedKernels, undefined);
  });

  it('names kernels without mapping, ignored texts and unsure inventories', () => {
    const notice = { reason: reasons.noKernelClaim, message: 'no claim' };
    const ignored = { ignored: [{ text: '$(x)', reason: 'NotAKernelVersion' as const }], moreIgnored: 2 };
    const seen = status([
      record('c1', { plans: [plan('Unmapped')], notices: [notice], ignored }),
      record('c2', { plans: [plan('Unmapped')] }),
    ]);
    assert.deepEqual(seen.unmappedKernels, [{ kernelVersion: 'k1', clusters: 2, exampleCluster: 'c1' }]);
    assert.deepEqual(seen.ignoredKernels, [{ cluster: 'c1', text: '$(x)', reason: 'NotAKernelVersion' }]);
    assert.equal(seen.moreIgnoredKernels, 2);
    assert.match(condition(seen, 'InventoryComplete'), /^False NoKernelClaim: 1 clusters: c1/);
  });

  it('is degraded by failures and by what only a person can change, and names the cluster [T20] [T28]', () => {
    assert.match(condition(status([record('c1', unwell.Failed)]), 'Degraded'), /^True LoadFailed: .*c1/);
    const foreign = record('c1', { phase: 'Waiting', reason: reasons.foreignWork, message: 'someone' });
    assert.match(condition(status([foreign]), 'Degraded'), /^True ForeignWork/);
    assert.match(condition(status([record('c1', unwell.Waiting)]), 'Degraded'), /^False/);
    const failure = { reason: reasons.workFailed, message: 'forbidden' };
    const left = record('c9', { selected: false, phase: 'Waiting', ...failure, notices: [failure] });
    assert.match(
      condition(status([record('c1'), left]), 'Degraded'),
      /^True WorkWriteFailed: .*c9/,
      'cannot be deleted',
    );
    const unread = record('c9', { selected: false, phase: 'Waiting', reason: reasons.lookFailed, message: 'garbled' });
    assert.match(condition(status([record('c1'), unread]), 'Degraded'), /^True LookFailed: .*c9/);
  });

  it('keeps the time of a condition while its status stays', () => {
    const before = status([record('c1')], { nowText: '2020-01-01T00:00:00Z' });
    const after = status([record('c1', unwell.Failed)], { present: before, nowText: '2021-01-01T00:00:00Z' });
    const times = Object.fromEntries(
      after.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime.slice(0, 4)]) ?? [],
    );
    assert.deepEqual(times, {
      Ready: '2021',
      ImagesReady: '2020',
      Progressing: '2020',
      Degraded: '2021',
      InventoryComplete: '2020',
    });
  });

  it('fits its schema and its counts add up, whatever the fleet is', () => {
    const states = fc.constantFrom<KernelPlan['state']>(
      'Verified',
      'Unchecked',
      'Checking',
      'Missing',
      'Unknown',
      'Unmapped',
      'Invalid',
    );
    const plans = fc.array(
      fc
        .tuple(states, fc.nat(90))
        .map(([state, kernel]) => plan(state, { kernel: `k${kernel}`, message: 'x'.repeat(2000) })),
      { maxLength: 8 },
    );
    const records = fc.uniqueArray(
      fc.record({
        cluster: fc.nat(80).map((number) => `c${number}`),
        phase: fc.constantFrom<ClusterRecord['phase']>('Waiting', 'Progressing', 'Succeeded', 'Failed', 'Unreachable'),
        plans,
        generation: fc.nat(1),
        message: fc.string({ maxLength: 3000 }),
        selected: fc.boolean(),
      }),
      { selector: ({ cluster }) => cluster, maxLength: 80 },
    );
    fc.assert(
      fc.property(records, (some) => {
        const seen = status(some.map(({ cluster, ...rest }) => record(cluster, rest)));
        assert.deepEqual(managedClusterModuleStatusSchema.safeParse(seen).error?.issues, undefined);
        const { selected, succeeded, progressing, waiting, failed, unreachable } = seen.rollout ?? {};
        assert.equal(selected, succeeded! + progressing! + waiting! + failed! + unreachable!);
        const ready = seen.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
        assert.equal(ready, succeeded === selected! - unreachable!);
      }),
      { numRuns: 50 },
    );
  });
});

const garbled = { reason: reasons.lookFailed, message: 'garbled' };
const unread: Partial<ClusterRecord> = { ...unwell.Waiting, ...garbled, plans: [], notices: [garbled] };

describe('the value of imageRebuildTriggerGeneration that was applied', () => {
  const current = revision('m-1', moduleSpec({ imageRebuildTriggerGeneration: 7 }));
  const present = { imageRebuildTriggerGeneration: 6 };
  const mapping = { literal: 'k1', containerImage: 'q/a@sha256:1' };
  const verified = plan('Verified', { mapping });
  const cases: [what: string, plans: KernelPlan[], applied: number, overrides?: Partial<ClusterRecord>][] = [
    ['the present one once all images of its version are verified', [verified, plan('Unmapped')], 7],
    ['the former one while an image is made', [verified, plan('Building', { kernel: 'k2' })], 6],
    ['the former one while a cluster keeps a former version', [plan('Verified', { mapping, revision: 'm-0' })], 6],
    ['the former one until every cluster was looked at', [verified], 6, { generation: 0 }],
    ['the former one while a cluster cannot be looked at', [], 6, unread],
    ['the present one where images are shipped unseen', [plan('Unchecked', { mapping })], 7],
  ];
  for (const [what, plans, applied, overrides] of cases) {
    it(`is ${what}`, () => {
      const seen = status([record('c1', { plans, ...overrides }), record('c2')], { current, present });
      assert.equal(seen.imageRebuildTriggerGeneration, applied);
    });
  }

  it('is none without one in the spec', () => {
    const seen = status([record('c1', { plans: [verified] })], { current: revision('m-1'), present });
    assert.equal(seen.imageRebuildTriggerGeneration, undefined);
  });
});

describe('a cluster that cannot be looked at', () => {
  it('leaves open what kernels it has', () => {
    const seen = status([record('c1', unread), record('c2')], { current: revision('m-1') });
    assert.match(condition(seen, 'InventoryComplete'), /^False LookFailed: 1 clusters: c1/);
  });

  it('leaves open what images it needs, unless one is known to be missing', () => {
    const others: [others: ClusterRecord[], told: RegExp][] = [
      [
        [],
        /^Unknown LookFailed: no image is known to be needed; which images 1 clusters need is not known: c1 \(LookFailed\): garbled$/,
      ],
      [[record('c2', { plans: [plan('Verified')] })], /^Unknown LookFailed/],
      [[record('c2', { plans: [plan('Missing')] })], /^False ImageMissing: 1 of 1/],
    ];
    for (const [records, told] of others) {
      assert.match(condition(status([record('c1', unread), ...records]), 'ImagesReady'), told);
    }
    const warned = status([record('c1', unread)], { warnings: ['Secret x'] });
    assert.match(condition(warned, 'ImagesReady'), /^Unknown .*Secret x/);
    const unwanted = status([record('c1', { ...unread, selected: false })]);
    assert.match(condition(unwanted, 'ImagesReady'), /^True/);
    const skipped = status([record('c1', unread)], { imageCheck: 'Skip' });
    assert.match(condition(skipped, 'ImagesReady'), /^True ImagesNotChecked/);
  });
});

describe('events', () => {
  const good = status([record('c1')]);
  const bad = status([record('c1', unwell.Failed)], { present: good });

  it('tell a change of status or reason once, with the condition’s reason', () => {
    const told = eventsOf(good, bad);
    assert.deepEqual(
      told.map(({ type, reason }) => [type, reason]),
      [['Warning', 'LoadFailed']],
    );
    assert.deepEqual(eventsOf(bad, bad), []);
    assert.deepEqual(
      eventsOf(bad, good).map(({ type, reason }) => `${type} ${reason}`),
      ['Normal AllClustersReady', 'Normal NoProblems'],
    );
  });

  it('do not tell of what is good from the start', () => {
    assert.deepEqual(eventsOf({}, good), []);
    assert.equal(eventsOf({}, bad).length, 1);
  });
});
