import assert from 'node:assert/strict';
import { AssertionError } from '../core/assert.ts';
import { StalledError, WaitingError } from '../core/errors.ts';
import { after, done } from '../core/outcome.ts';
import { KubeError } from './errors.ts';
import { type ReconcileEnd, type Requeue, requeueAfter } from './requeue.ts';

const conflict = new KubeError(409, 'Conflict', 'the object has been modified');
const overloaded = new KubeError(429, 'TooManyRequests', 'too many requests', 300_000);

/** With chance at its upper end, so that a back-off is its full length. */
const table: { end: string; given: ReconcileEnd; failures?: number; expected: Partial<Requeue>; level?: string }[] = [
  { end: 'done', given: { outcome: done }, expected: { result: 'done', delayMs: undefined, failures: 0 } },
  { end: 'done after failures', given: { outcome: done }, failures: 5, expected: { failures: 0 } },
  {
    end: 'after',
    given: { outcome: after(5000, 'soak') },
    expected: { result: 'after', delayMs: 5000, failures: 0 },
    level: 'debug',
  },
  {
    end: 'waiting with a time',
    given: { error: new WaitingError('A', 'b', 70) },
    failures: 3,
    expected: { result: 'waiting', delayMs: 70, failures: 0 },
    level: 'info',
  },
  {
    end: 'waiting without',
    given: { error: new WaitingError('A', 'b') },
    expected: { result: 'waiting', delayMs: 600_000 },
    level: 'info',
  },
  {
    end: 'stalled',
    given: { error: new StalledError('A', 'b') },
    expected: { result: 'stalled', reason: 'A', delayMs: 1_800_000, failures: 0 },
    level: 'warn',
  },
  {
    end: 'a first conflict',
    given: { error: conflict },
    expected: { result: 'conflict', delayMs: 100, failures: 1 },
    level: 'debug',
  },
  { end: 'a fourth conflict', given: { error: conflict }, failures: 3, expected: { delayMs: 800, failures: 4 } },
  {
    end: 'a first failure',
    given: { error: new Error('x') },
    expected: { result: 'failed', delayMs: 1000, failures: 1 },
    level: 'warn',
  },
  {
    end: 'the hundredth failure',
    given: { error: new Error('x') },
    failures: 99,
    expected: { delayMs: 120_000, failures: 100 },
  },
  {
    end: 'a refusal that says when to come back',
    given: { error: overloaded },
    expected: { result: 'failed', delayMs: 300_000 },
  },
  {
    end: 'a broken invariant',
    given: { error: new AssertionError('x') },
    expected: { result: 'failed' },
    level: 'error',
  },
  { end: 'a thrown text', given: { error: 'x' }, expected: { result: 'failed' }, level: 'warn' },
];

describe('what follows a reconcile', () => {
  for (const { end, given, failures = 0, expected, level } of table) {
    it(`is right for ${end}`, () => {
      const requeue = requeueAfter(given, failures, () => 1);
      assert.deepEqual({ ...requeue, ...expected }, requeue);
      if (level !== undefined) assert.equal(requeue.log?.level, level);
    });
  }

  it('is counted by its reason, which never varies with the object', () => {
    const reasonOf = (end: ReconcileEnd) => requeueAfter(end, 0, () => 1).reason;
    assert.equal(reasonOf({ outcome: done }), '');
    assert.equal(reasonOf({ outcome: after(1, 'soak') }), 'soak');
    assert.equal(reasonOf({ error: new StalledError('NoMapping', 'no mapping for 5.14') }), 'NoMapping');
    assert.equal(reasonOf({ error: overloaded }), 'TooManyRequests');
    assert.equal(reasonOf({ error: new Error('at 12:01') }), 'Error');
  });

  it('spreads retries, never below half of the back-off', () => {
    assert.equal(requeueAfter({ error: new Error('x') }, 3, () => 0).delayMs, 4000);
  });

  it('shows the stack of what only a programmer can mend, and of nothing else', () => {
    assert.ok(requeueAfter({ error: new TypeError('x') }, 0, () => 1).log?.fields['stack']);
    assert.equal(requeueAfter({ error: overloaded }, 0, () => 1).log?.fields['stack'], undefined);
  });
});
