import assert from 'node:assert/strict';
import fc from 'fast-check';
import { admit, type RolloutCluster, type Stage } from './admit.ts';
import { concurrencyOf, failuresOf, groupIndexOf, type Waves, wavesOf } from './strategy.ts';

const waves = (overrides: Partial<Waves> = {}): Waves => ({
  groups: [],
  maxConcurrency: undefined,
  maxFailures: { kind: 'number', count: 0 },
  perGroup: false,
  ...overrides,
});
const number = (count: number) => ({ kind: 'number', count }) as const;
const cluster = (name: string, stage: Stage, group = 0, admitted = false): RolloutCluster => ({
  name,
  group,
  stage,
  admitted,
});
const turn = (clusters: RolloutCluster[], of: Partial<Waves> = {}, paused = false) =>
  admit({ waves: waves(of), paused, clusters });

describe('whose turn it is', () => {
  it('goes by name, as many as there is room for beside those on their way', () => {
    const clusters = [
      cluster('d', 'Startable'),
      cluster('a', 'Moving'),
      cluster('c', 'Startable'),
      cluster('b', 'Startable'),
    ];
    assert.deepEqual(turn(clusters, { maxConcurrency: number(3) }).admitted, ['b', 'c']);
    assert.deepEqual(turn(clusters, { maxConcurrency: number(1) }).admitted, []);
    assert.deepEqual(turn(clusters).admitted, ['b', 'c', 'd']);
  });

  it('keeps to who was let go, though another name comes before', () => {
    const clusters = [cluster('a', 'Startable'), cluster('b', 'Startable', 0, true)];
    assert.deepEqual(turn(clusters, { maxConcurrency: number(1) }).admitted, ['b']);
  });

  it('passes over who cannot start, is done, or cannot be reached', () => {
    const clusters = [
      cluster('a', 'Pending'),
      cluster('b', 'Unreachable'),
      cluster('c', 'Succeeded'),
      cluster('d', 'Startable'),
    ];
    assert.deepEqual(turn(clusters, { maxConcurrency: number(1) }).admitted, ['d']);
  });

  it('opens a group when all of the one before have ended, but for those out of reach', () => {
    const of = { groups: [{ name: 'canary', selector: {} }], maxFailures: number(1) };
    for (const stage of ['Pending', 'Startable', 'Moving'] as const) {
      const decision = turn([cluster('a', stage, 0), cluster('b', 'Startable', 1)], of);
      assert.deepEqual([decision.group, decision.admitted.includes('b')], [0, false], stage);
    }
    for (const stage of ['Succeeded', 'Failed', 'Unreachable'] as const) {
      const decision = turn([cluster('a', stage, 0), cluster('b', 'Startable', 1)], of);
      assert.deepEqual([decision.group, decision.admitted], [1, ['b']], stage);
    }
  });

  it('stops with one failure more than may be, over all or in one group', () => {
    const clusters = [
      cluster('a', 'Failed', 0),
      cluster('b', 'Succeeded', 0),
      cluster('c', 'Failed', 1),
      cluster('d', 'Startable', 1),
    ];
    const over = turn(clusters, { maxFailures: number(1) });
    assert.deepEqual([over.stopped, over.admitted], [{ failed: ['a', 'c'], allowed: 1 }, []]);
    const each = turn(clusters, { maxFailures: number(1), perGroup: true });
    assert.deepEqual([each.stopped, each.admitted], [undefined, ['d']]);
    assert.deepEqual(turn(clusters, { perGroup: true }).stopped, { failed: ['a'], allowed: 0 });
  });

  it('starts nobody while paused, and is through when nobody is left', () => {
    assert.deepEqual(turn([cluster('a', 'Startable')], {}, true).admitted, []);
    assert.deepEqual(turn([cluster('a', 'Succeeded'), cluster('b', 'Unreachable')]).group, undefined);
    assert.deepEqual(turn([]).group, undefined);
  });
});

describe('the strategy of a rollout', () => {
  it('rounds the number on their way up to at least one, and failures down', () => {
    const of = (maxConcurrency: string | number, maxFailures: string | number) =>
      wavesOf({ type: 'Progressive', maxConcurrency, maxFailures } as Parameters<typeof wavesOf>[0])!;
    assert.deepEqual([concurrencyOf(of('10%', 0), 11), failuresOf(of(1, '10%'), 11)], [2, 1]);
    assert.deepEqual(
      [concurrencyOf(of('0%', 0), 11), concurrencyOf(of(0, 0), 11), failuresOf(of(1, 2), 11)],
      [1, 1, 2],
    );
    assert.deepEqual([concurrencyOf(of('100%', 0), 3), concurrencyOf(of('7', 0), 3)], [3, 7]);
    assert.equal(wavesOf(undefined), undefined);
    assert.equal(wavesOf({ type: 'All', maxConcurrency: 1 }), undefined);
  });

  it('puts a cluster into the first group that selects it, and those of none last', () => {
    const of = waves({
      groups: [
        { name: 'one', selector: { a: '1' } },
        { name: 'two', selector: {} },
      ],
    });
    assert.deepEqual([groupIndexOf(of, { a: '1' }), groupIndexOf(of, {})], [0, 1]);
    assert.equal(groupIndexOf(waves({ groups: [{ name: 'one', selector: { a: '1' } }] }), {}), 1);
  });
});

/** What a cluster does with the revision, and what becomes of it before. */
const behaviour = fc.record({
  group: fc.nat(2),
  succeeds: fc.boolean(),
  /** Steps until it can start, from being let go to the write, and from there to its end. */
  pendingFor: fc.nat(3),
  writesIn: fc.nat(2),
  endsIn: fc.nat(3),
  unreachableAt: fc.option(fc.nat(12), { nil: undefined }),
});
const strategy = fc.record({
  maxConcurrency: fc.option(fc.integer({ min: 0, max: 4 }).map(number), { nil: undefined }),
  maxFailures: fc.nat(3).map(number),
  perGroup: fc.boolean(),
});

describe('whatever clusters do, a rollout', () => {
  it('keeps to its limits and its order, starts nobody after too many failures, and comes to an end', () => {
    fc.assert(
      fc.property(fc.array(behaviour, { maxLength: 12 }), strategy, fc.array(fc.boolean()), (all, limits, restarts) => {
        const of = waves({ ...limits, groups: [0, 1].map((index) => ({ name: `g${index}`, selector: {} })) });
        const model = all.map((does, index) => ({ does, name: `c${index}`, since: -1, wrote: -1, admitted: false }));
        const stageAt = ({ does, wrote }: (typeof model)[number], step: number): Stage => {
          if (does.unreachableAt !== undefined && step >= does.unreachableAt) return 'Unreachable';
          if (wrote < 0) return step < does.pendingFor ? 'Pending' : 'Startable';
          if (step < wrote + does.endsIn) return 'Moving';
          return does.succeeds ? 'Succeeded' : 'Failed';
        };
        const room = concurrencyOf(of, model.length);
        let last: ReturnType<typeof admit> | undefined;
        for (let step = 0; step < 200; step += 1) {
          // A hub that starts anew knows nobody that it let go.
          if (restarts[step]) for (const each of model) each.admitted = false;
          const clusters = model.map((each) => ({
            name: each.name,
            group: each.does.group,
            stage: stageAt(each, step),
            admitted: each.admitted,
          }));
          last = admit({ waves: of, paused: false, clusters });
          const failures = clusters.filter(({ stage }) => stage === 'Failed').length;
          if (!of.perGroup && failures > limits.maxFailures.count) assert.deepEqual(last.admitted, []);
          const begins = new Set(last.admitted);
          assert.ok(clusters.filter(({ stage }) => stage === 'Moving').length <= room);
          for (const { name, group } of clusters.filter((each) => begins.has(each.name))) {
            const before = clusters.filter((each) => each.group < group).map(({ stage }) => stage);
            assert.ok(
              before.every((stage) => ['Succeeded', 'Failed', 'Unreachable'].includes(stage)),
              name,
            );
          }
          for (const each of model) {
            if (begins.has(each.name) && !each.admitted) each.since = step;
            each.admitted = begins.has(each.name);
            if (each.admitted && each.wrote < 0 && step >= each.since + each.does.writesIn) each.wrote = step + 1;
          }
        }
        assert.ok(last?.group === undefined || last.stopped !== undefined, 'an end');
      }),
      { numRuns: 500 },
    );
  });
});
