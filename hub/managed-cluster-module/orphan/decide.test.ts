import assert from 'node:assert/strict';
import { stepOfModule, stepOfWork } from './decide.ts';
import type { OrphanPicture, WorkPicture } from './picture.ts';
import type { DeletionPolicy } from './policy.ts';
import { forcedEvent, leavingStatus, waitingEvent } from './status.ts';

const leaving: DeletionPolicy = { policy: 'Orphan', leaving: true, held: true, forced: false };
const living: DeletionPolicy = { ...leaving, leaving: false };

/** One that was told and has not answered. */
function work(overrides: Partial<WorkPicture> = {}): WorkPicture {
  return {
    cluster: 'c1',
    ownership: 'adoptable',
    owned: false,
    terminating: false,
    told: true,
    applied: 'Unknown',
    appliedMessage: '',
    written: true,
    reachable: true,
    ...overrides,
  };
}

function picture(works: readonly WorkPicture[], overrides: Partial<OrphanPicture> = {}): OrphanPicture {
  return { ...leaving, works, ...overrides };
}

describe('the work of a ManagedClusterModule that leaves its Modules behind', () => {
  it('loses its owner while all lives, and says nothing else: an edit of the module is what it would be without', () => {
    const fresh = work({ ownership: 'ours', owned: true, told: false, applied: 'True' });
    assert.equal(stepOfWork(living, fresh), 'release');
    assert.equal(stepOfWork(living, { ...fresh, ownership: 'adoptable', owned: false }), 'keep');
    assert.equal(stepOfWork({ ...living, held: false }, fresh), 'keep', 'nobody would take it away');
  });

  it('is told when that goes, deleted once its agent has applied just that, and not before', () => {
    assert.equal(stepOfWork(leaving, work({ told: false, applied: 'True' })), 'tell');
    assert.equal(
      stepOfWork(leaving, work({ owned: true, applied: 'True' })),
      'tell',
      'what has an owner may go any time',
    );
    assert.equal(stepOfWork({ ...leaving, held: false }, work({ told: false })), 'tell');
    for (const applied of ['Unknown', 'False'] as const) assert.equal(stepOfWork(leaving, work({ applied })), 'keep');
    assert.equal(stepOfWork(leaving, work({ applied: 'True' })), 'delete');
  });

  it('is told and waited for although its cluster is not available, forced or not', () => {
    const away = work({ reachable: false });
    for (const forced of [false, true]) {
      assert.equal(stepOfWork({ ...leaving, forced }, { ...away, told: false }), 'tell');
      assert.equal(stepOfWork({ ...leaving, forced }, away), 'keep');
    }
  });

  it('that was left by a forced deletion goes once it is confirmed, if this program wrote it', () => {
    assert.equal(stepOfWork(undefined, work({ applied: 'True' })), 'delete');
    for (const not of [{ applied: 'Unknown' }, { told: false }, { owned: true }, { written: false }] as const) {
      assert.equal(stepOfWork(undefined, work({ applied: 'True', ...not })), 'keep', JSON.stringify(not));
    }
  });

  it('that is someone else’s, or goes already, is never touched [T29]', () => {
    for (const policy of [leaving, living, undefined, { ...leaving, policy: 'Delete' }] as const) {
      for (const not of [{ ownership: 'foreign' }, { terminating: true }] as const) {
        for (const told of [true, false]) {
          assert.equal(stepOfWork(policy, work({ owned: true, applied: 'True', told, ...not })), 'keep');
        }
      }
    }
  });

  it('gets its owner back when the Modules shall go after all; when that is too late, it is deleted', () => {
    const policy = { ...living, policy: 'Delete' } as const;
    const unowned = work({ told: false });
    assert.equal(stepOfWork(policy, unowned), 'own');
    assert.equal(stepOfWork({ ...policy, leaving: true }, unowned), 'delete');
    assert.equal(stepOfWork({ ...policy, leaving: true }, work({ ownership: 'ours', owned: true })), 'keep');
    assert.equal(
      stepOfWork({ ...policy, held: false }, unowned),
      'keep',
      'an adoptable work is for the cluster to take',
    );
  });
});

describe('a ManagedClusterModule that leaves its Modules behind', () => {
  it('goes when the last work is gone, whatever strangers have', () => {
    assert.deepEqual(stepOfModule(picture([])), { kind: 'letGo', unconfirmed: [] });
    assert.deepEqual(stepOfModule(picture([work({ ownership: 'foreign' })])), { kind: 'letGo', unconfirmed: [] });
    for (const one of [work({ applied: 'True' }), work({ terminating: true })]) {
      assert.equal(stepOfModule(picture([one])).kind, 'wait');
    }
    assert.equal(stepOfModule(picture([], { held: false })).kind, 'keep');
    assert.equal(stepOfModule(picture([work()], { leaving: false })).kind, 'keep');
  });

  it('names first whom it cannot expect to answer', () => {
    const works = [
      work(),
      work({ cluster: 'c2', applied: 'False', appliedMessage: 'no namespace' }),
      work({ cluster: 'c3', reachable: false }),
    ];
    const step = stepOfModule(picture(works));
    assert.ok(step.kind === 'wait' && step.held);
    assert.deepEqual(
      step.outstanding.map(({ cluster, reason }) => `${cluster} ${reason}`),
      ['c2 ApplyFailed', 'c3 ClusterUnreachable', 'c1 NotApplied'],
    );
  });

  it('forced, still waits for all who can answer, and until the others are told', () => {
    const away = work({ cluster: 'c2', reachable: false });
    const forced = (...works: WorkPicture[]) => stepOfModule(picture(works, { forced: true }));
    assert.equal(forced(work(), away).kind, 'wait');
    assert.equal(forced({ ...away, told: false }).kind, 'wait');
    const unconfirmed = [{ cluster: 'c2', reason: 'ClusterUnreachable', message: 'is not available' }];
    assert.deepEqual(forced(away), { kind: 'letGo', unconfirmed });
    assert.equal(forced(work({ applied: 'False' })).kind, 'letGo');
  });

  it('that shall delete them after all loses its finalizer when all works have their owner', () => {
    const as = (...works: WorkPicture[]) => stepOfModule(picture(works, { leaving: false, policy: 'Delete' })).kind;
    assert.equal(as(work({ ownership: 'ours', owned: true, told: false })), 'letGo');
    assert.equal(as(work({ told: false })), 'keep');
  });

  it('says so in conditions of bounded length that keep what others said, and in one event each time it turns', () => {
    const long = 'x'.repeat(2_000);
    const outstanding = Array.from({ length: 2_000 }, (_, index) => ({
      cluster: `cluster-${index}-${'y'.repeat(50)}`,
      reason: 'ApplyFailed',
      message: long,
    }));
    const before = {
      numberDesired: 7,
      conditions: [{ type: 'Theirs', status: 'True', reason: 'R', message: 'm', lastTransitionTime: 't' }],
    } as const;
    const waiting = { held: true, outstanding: outstanding.slice(0, 1) };
    const said = { waiting, generation: 4, nowText: '2026-01-01T00:00:00Z' };
    const status = leavingStatus({ ...before, conditions: [...before.conditions] }, said);
    assert.equal(status.numberDesired, 7);
    assert.deepEqual(
      status.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`),
      ['Ready False OrphanHeld', 'Progressing True OrphanHeld', 'Degraded True OrphanHeld', 'Theirs True R'],
    );
    assert.match(status.conditions?.[0]?.message ?? '', /force-orphan=true$/);
    assert.equal(waitingEvent(status, waiting), undefined);
    assert.equal(waitingEvent(status, { held: false, outstanding: [] })?.type, 'Normal');
    const all = leavingStatus({}, { ...said, waiting: { held: true, outstanding } }).conditions?.[0]?.message ?? '';
    assert.ok(all.length <= 1_024 && all.endsWith('force-orphan=true'), all);
    const { note } = forcedEvent(outstanding);
    assert.ok(note.length <= 1_024 && note.includes('and 1995 more') && note.endsWith('has confirmed'), note);
  });
});
