import assert from 'node:assert/strict';
import type { ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import fc from 'fast-check';
import { annotations } from '../../shared/kube/names.ts';
import { answered, moduleSpec, nowText, spokeNamespace } from '../testing/pictures.ts';
import { readFeedback } from './feedback.ts';
import { type JudgeInput, judge, judgeLimits } from './judge.ts';
import type { Memory } from './judge-memory.ts';
import { reasons } from './reasons.ts';
import { buildWork } from './work.ts';

const nowMs = Date.parse(nowText);
const plugin = { devicePlugin: { container: { image: 'p:1' } } } as Partial<ModuleSpec>;

function workOf(spec: ModuleSpec): ManifestWork {
  return buildWork({ module: 'm', spokeNamespace, cluster: 'c1', revision: 'm-1', spec, updatedAt: nowText });
}
const stateOf = (work: ManifestWork) => work.metadata.annotations?.[annotations.state] ?? '';

interface Case {
  spec?: ModuleSpec;
  /** desired, loaded, failed, unreachable */
  nodes?: [number, number, number, number];
  values?: Record<string, string | number>;
  /** `shipped`: that of the work. */
  state?: string | undefined;
  applied?: Parameters<typeof answered>[2];
  afterMs?: number;
  minSuccessMs?: number;
  deadlineMs?: number;
  memory?: Memory | undefined;
}

function inputOf(overrides: Case): JudgeInput {
  const { spec = moduleSpec(), nodes, values = {}, afterMs = 0, minSuccessMs = 0, deadlineMs, memory } = overrides;
  const work = workOf(spec);
  const state = 'state' in overrides ? overrides.state : stateOf(work);
  const report: Record<string, string> = nodes === undefined ? {} : { report: JSON.stringify({ v: 1, nodes }) };
  const all = { ...values, ...report, ...(state === undefined ? {} : { state }) };
  const seen = answered(work, all, overrides.applied ?? {});
  return { work: seen, spec, feedback: readFeedback(seen), minSuccessMs, deadlineMs, nowMs: nowMs + afterMs, memory };
}

const verdictOf = (overrides: Case) => {
  const { phase, reason } = judge(inputOf(overrides)).verdict;
  return `${phase} ${reason}`;
};

describe('a cluster with our spoke', () => {
  const table: [what: string, of: Case, verdict: string][] = [
    ['has loaded everywhere', { nodes: [3, 3, 0, 0] }, 'Succeeded Succeeded'],
    ['has loaded on every node that can be reached', { nodes: [3, 2, 0, 1] }, 'Succeeded Succeeded'],
    ['has a node that still loads', { nodes: [3, 2, 0, 0] }, 'Progressing Loading'],
    ['has nothing to do', { nodes: [0, 0, 0, 0] }, 'Succeeded NothingToDo'],
    ['has not applied the work', { nodes: [3, 3, 0, 0], applied: { generation: 0 } }, 'Progressing NotApplied'],
    ['could not apply the work', { nodes: [3, 3, 0, 0], applied: { applied: 'False' } }, 'Progressing ApplyFailed'],
    ['reports on another state', { nodes: [3, 3, 0, 0], state: 'aaaaaaaaaaaaaaaa' }, 'Progressing NotReported'],
    ['has a state without report', {}, 'Progressing ReportInvalid'],
    ['has a report that is none', { values: { report: '{"v":1}' } }, 'Progressing ReportInvalid'],
    ['has a failed node', { nodes: [3, 2, 1, 0] }, 'Progressing Failing'],
  ];
  for (const [what, of, verdict] of table) {
    it(`that ${what} is ${verdict}`, () => assert.equal(verdictOf(of), verdict));
  }

  it('is not ready by the numbers of the state before, whatever they say', () => {
    const stale = {
      nodes: [3, 3, 0, 0],
      state: 'aaaaaaaaaaaaaaaa',
      afterMs: 10 * judgeLimits.nothingReportedMs,
    } as Case;
    assert.equal(verdictOf(stale), 'Progressing NotReported');
  });

  it('needs the device plugin on every reachable node, too', () => {
    const counts = (available: number) => ({
      'devicePlugin.desiredNumber': 3,
      'devicePlugin.availableNumber': available,
    });
    const of = (available: number, unreachable: number): Case => ({
      spec: moduleSpec(plugin),
      nodes: [3, 3 - unreachable, 0, unreachable],
      values: counts(available),
    });
    assert.equal(verdictOf(of(3, 0)), 'Succeeded Succeeded');
    assert.equal(verdictOf(of(2, 0)), 'Progressing Loading');
    assert.equal(verdictOf(of(2, 1)), 'Succeeded Succeeded');
  });

  it('fails when a node has failed for 40 seconds without a break, naming node and reason [T20]', () => {
    const errors = [{ node: 'n1', kernel: 'k', reason: 'ModuleNotFound', message: 'no such\u001b[2Jfile' }];
    const report = JSON.stringify({ v: 1, nodes: [3, 2, 1, 0], errors });
    const first = judge(inputOf({ values: { report } }));
    assert.equal(first.verdict.phase, 'Progressing');
    assert.equal(judgeLimits.failingMs, 40_000);
    assert.equal(first.verdict.recheckMs, judgeLimits.failingMs);
    const { verdict } = judge(inputOf({ values: { report }, afterMs: judgeLimits.failingMs, memory: first.memory }));
    assert.deepEqual([verdict.phase, verdict.reason], ['Failed', reasons.loadFailed]);
    assert.match(verdict.message, /^1 of 3 nodes failed: n1 ModuleNotFound: no such.*file$/);
    assert.ok(!verdict.message.includes('\u001b'));
    const again = judge(inputOf({ nodes: [3, 3, 0, 0], afterMs: judgeLimits.failingMs, memory: first.memory }));
    assert.equal(again.verdict.phase, 'Succeeded');
    assert.equal(again.memory.failingSinceMs, undefined);
  });

  it('must stay well for minSuccessTime, counted anew after a break', () => {
    const well = { nodes: [1, 1, 0, 0], minSuccessMs: 60_000 } as Case;
    assert.equal(verdictOf({ ...well, afterMs: 59_000 }), 'Progressing Soaking');
    assert.equal(verdictOf({ ...well, afterMs: 60_000 }), 'Succeeded Succeeded');
    const { memory } = judge(inputOf({ ...well, nodes: [1, 0, 0, 0], afterMs: 50_000 }));
    // It may have been unwell all the time until then: nobody looks while nothing changes.
    const again = judge(inputOf({ ...well, afterMs: 3_600_000, memory }));
    assert.deepEqual([again.verdict.reason, again.verdict.recheckMs], [reasons.soaking, 60_000]);
    const later = { ...well, memory: again.memory };
    assert.equal(verdictOf({ ...later, afterMs: 3_659_000 }), 'Progressing Soaking');
    assert.equal(verdictOf({ ...later, afterMs: 3_660_000 }), 'Succeeded Succeeded');
  });

  it('is not waited for because its clock is ahead of ours: its time counts from when it was first seen', () => {
    const transition = new Date(nowMs + 86_400_000).toISOString();
    const ahead = { nodes: [1, 1, 0, 0], applied: { transition } } as Case;
    assert.equal(verdictOf(ahead), 'Succeeded Succeeded');
    const soaking = judge(inputOf({ ...ahead, minSuccessMs: 60_000 }));
    assert.deepEqual([soaking.verdict.reason, soaking.verdict.recheckMs], [reasons.soaking, 60_000]);
    const later = { ...ahead, minSuccessMs: 60_000, memory: soaking.memory };
    assert.equal(verdictOf({ ...later, afterMs: 59_000 }), 'Progressing Soaking');
    assert.equal(verdictOf({ ...later, afterMs: 60_000 }), 'Succeeded Succeeded');
  });

  it('stays well, fails and is waited for in time also where somebody sets our clock back by an hour', () => {
    const [well, bad] = [{ nodes: [1, 1, 0, 0] }, { nodes: [1, 0, 1, 0] }] as [Case, Case];
    const backMs = -3_600_000;
    const { memory } = judge(inputOf(well));
    assert.equal(verdictOf({ ...well, memory, afterMs: backMs }), 'Succeeded Succeeded');
    const soaking = judge(inputOf({ ...well, minSuccessMs: 60_000, memory, afterMs: backMs }));
    assert.equal(soaking.verdict.recheckMs, 60_000);
    const failing = judge(inputOf({ ...bad, memory: judge(inputOf(bad)).memory, afterMs: backMs }));
    assert.equal(failing.verdict.recheckMs, judgeLimits.failingMs);
  });

  it('counts its time from the later of the new state and its application, or from when it had succeeded', () => {
    const well = { nodes: [1, 1, 0, 0], minSuccessMs: 60_000 } as Case;
    const reason = (input: JudgeInput) => judge(input).verdict.reason;
    const applied = (afterMs: number) => ({ transition: new Date(nowMs + afterMs).toISOString() });
    assert.equal(reason(inputOf({ ...well, applied: applied(30_000), afterMs: 89_000 })), reasons.soaking);
    assert.equal(reason(inputOf({ ...well, applied: applied(30_000), afterMs: 90_000 })), reasons.succeeded);
    assert.equal(reason(inputOf({ ...well, applied: applied(-90_000), afterMs: 59_000 })), reasons.soaking);
    const input = inputOf({ ...well, applied: applied(30_000), afterMs: 60_000 });
    Object.assign(input.work.metadata.annotations!, { [annotations.succeededAt]: nowText });
    assert.equal(reason(input), reasons.succeeded);
  });

  it('that was well stays so through a restart of the hub, which remembers nothing', () => {
    const well = { nodes: [1, 1, 0, 0], minSuccessMs: 60_000, afterMs: 3_600_000 } as Case;
    assert.equal(verdictOf({ ...well, memory: undefined }), 'Succeeded Succeeded');
  });

  it('fails at the deadline, and succeeds later all the same', () => {
    const late = { deadlineMs: 600_000, afterMs: 600_000 };
    assert.equal(verdictOf({ ...late, nodes: [3, 2, 0, 0] }), 'Failed ProgressDeadlineExceeded');
    assert.equal(verdictOf({ ...late, nodes: [3, 3, 0, 0] }), 'Succeeded Succeeded');
    const { verdict } = judge(inputOf({ nodes: [3, 2, 0, 0], deadlineMs: 600_000, afterMs: 200_000 }));
    assert.equal(verdict.recheckMs, 400_000);
  });

  it('that is never well for long enough fails at the deadline, too', () => {
    const of = { minSuccessMs: 300_000, deadlineMs: 600_000 };
    let memory: Memory | undefined;
    const phases = Array.from({ length: 12 }, (_, minute) => {
      const nodes: Case['nodes'] = minute % 2 === 0 ? [3, 3, 0, 0] : [3, 2, 0, 0];
      const seen = judge(inputOf({ ...of, nodes, afterMs: minute * 60_000, memory }));
      memory = seen.memory;
      return seen.verdict.phase;
    });
    assert.deepEqual([phases.indexOf('Failed'), phases[10]], [11, 'Progressing']);
  });
});

describe("a cluster with upstream's spoke", () => {
  const upstream = (values: Record<string, number>, afterMs: number): Case => ({ state: undefined, values, afterMs });
  const loaded = { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 2 };

  it('is known by the state that it does not send, and its numbers must hold for a minute', () => {
    assert.equal(judge(inputOf(upstream(loaded, 0))).verdict.reporting, 'CountsOnly');
    assert.equal(verdictOf(upstream(loaded, judgeLimits.countsOnlyMs - 1)), 'Progressing Soaking');
    assert.equal(verdictOf(upstream(loaded, judgeLimits.countsOnlyMs)), 'Succeeded Succeeded');
    const long = { ...upstream(loaded, judgeLimits.countsOnlyMs), minSuccessMs: 2 * judgeLimits.countsOnlyMs };
    assert.equal(verdictOf(long), 'Progressing Soaking');
    const short = { 'moduleLoader.desiredNumber': 2, 'moduleLoader.availableNumber': 1 };
    assert.equal(verdictOf(upstream(short, judgeLimits.countsOnlyMs)), 'Progressing Loading');
  });

  it('that reports nothing at all is named, and counts as succeeded after five minutes', () => {
    const zeros: Record<string, number> = { 'moduleLoader.desiredNumber': 0, 'devicePlugin.availableNumber': 0 };
    for (const values of [{}, zeros]) {
      assert.equal(verdictOf(upstream(values, judgeLimits.nothingReportedMs - 1)), 'Progressing NothingReported');
      assert.equal(verdictOf(upstream(values, judgeLimits.nothingReportedMs)), 'Succeeded NothingReported');
    }
  });

  it('that has no numbers for a device plugin which it should run is not ready', () => {
    const spec = moduleSpec(plugin);
    const counts = { ...loaded, 'devicePlugin.desiredNumber': 2, 'devicePlugin.availableNumber': 1 };
    assert.equal(verdictOf({ ...upstream(counts, judgeLimits.countsOnlyMs), spec }), 'Progressing Loading');
  });
});

describe('any feedback', () => {
  const count = fc.nat(4);
  const hostile = fc.record({
    state: fc.option(fc.oneof(fc.constant('shipped'), fc.string()), { nil: undefined }),
    report: fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(count, count, count, count).map((nodes) => JSON.stringify({ v: 1, nodes })),
    ),
    generation: fc.nat(2),
    desired: fc.integer(),
  });

  it('is judged without throwing, and as succeeded only when it is of the state that was shipped', () => {
    fc.assert(
      fc.property(hostile, ({ state, report, generation, desired }) => {
        const shipped = stateOf(workOf(moduleSpec()));
        const sent = state === 'shipped' ? shipped : state;
        const values = { report, 'moduleLoader.desiredNumber': desired };
        const { verdict } = judge(inputOf({ state: sent, values, applied: { generation } }));
        if (verdict.phase !== 'Succeeded') return;
        assert.equal(sent, shipped);
        assert.equal(generation, 1);
        const [wanted, loaded, failed, unreachable] = (JSON.parse(report) as { nodes: number[] }).nodes as [
          number,
          number,
          number,
          number,
        ];
        assert.equal(failed, 0);
        assert.equal(loaded, wanted - unreachable);
      }),
      { numRuns: 500 },
    );
  });
});
