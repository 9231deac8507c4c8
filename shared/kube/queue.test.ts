import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DelayQueue } from './queue.ts';

describe('the delay queue', () => {
  it('gives a key out once, however often it was asked for', () => {
    const queue = new DelayQueue();
    queue.add('a', 0);
    queue.add('a', 0);
    assert.equal(queue.take(0)?.key, 'a');
    assert.equal(queue.take(0)?.key, undefined);
  });

  it('takes the earliest of several times', () => {
    const queue = new DelayQueue();
    queue.add('a', 50);
    queue.add('a', 10);
    queue.add('a', 90);
    assert.equal(queue.nextAtMs(), 10);
    assert.equal(queue.take(9)?.key, undefined);
    assert.equal(queue.take(10)?.key, 'a');
    assert.equal(queue.nextAtMs(), undefined);
  });

  it('never gives out a key that is being worked on, and gives it again afterwards', () => {
    const queue = new DelayQueue();
    queue.add('a', 0);
    queue.take(0)?.key;
    queue.add('a', 5);
    queue.add('a', 0);
    assert.equal(queue.take(100)?.key, undefined);
    queue.finish('a');
    assert.equal(queue.nextAtMs(), 0);
    assert.equal(queue.take(0)?.key, 'a');
  });

  it('gives keys of the same time in the order of their arrival', () => {
    const queue = new DelayQueue();
    for (const key of ['c', 'a', 'b']) queue.add(key, 7);
    assert.deepEqual([queue.take(7)?.key, queue.take(7)?.key, queue.take(7)?.key], ['c', 'a', 'b']);
  });

  it('gives a key that is asked for as ahead before all others, also one that waits already or is worked on', () => {
    const queue = new DelayQueue();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key, 1);
    assert.equal(queue.take(2)?.key, 'a');
    queue.add('c', 2, { ahead: true });
    queue.add('new', 2, { ahead: true });
    queue.add('a', 2, { ahead: true });
    queue.finish('a');
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map(() => queue.take(2)?.key),
      ['c', 'new', 'a', 'b', 'd', undefined],
    );
  });

  it('lets one of those that wait come after seven that overtook it', () => {
    const queue = new DelayQueue();
    for (const key of ['x', 'y', 'z']) queue.add(key, 1);
    const given: (string | undefined)[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      queue.add(`ahead-${turn}`, 2, { ahead: true });
      given.push(queue.take(2)?.key);
    }
    assert.deepEqual([given.indexOf('x'), given.indexOf('y'), given.includes('z')], [7, 15, false]);
  });

  it('keeps a key ahead that is asked for in vain meanwhile', () => {
    const queue = new DelayQueue();
    queue.add('a', 1);
    queue.add('b', 3, { ahead: true });
    queue.add('b', 9);
    assert.equal(queue.take(3)?.key, 'b');
  });

  it('keeps no more of a key that waits for a time far away, however often it is looked at meanwhile', () => {
    const queue = new DelayQueue();
    const keys = ['a', 'b', 'c'];
    // Before all that was asked for later, and is of no use any more.
    queue.add('first', 500_000);
    for (const key of keys) queue.add(key, 1_000_000);
    let entriesMax = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 1) {
      const key = keys[nowMs % 3] ?? '';
      queue.add(key, nowMs, { ahead: nowMs % 2 === 0 });
      assert.equal(queue.take(nowMs)?.key, key);
      queue.add(key, 1_000_000);
      queue.finish(key);
      entriesMax = Math.max(entriesMax, queue.entries);
    }
    assert.ok(entriesMax <= 2 * 4, `${entriesMax} entries of 4 keys`);
    assert.equal(queue.nextAtMs(), 500_000);
  });

  it('behaves as the plain model does, whatever is done', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
    const command = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, at: fc.nat(20) }),
      fc.record({ do: fc.constant('take' as const), now: fc.nat(20) }),
      fc.record({ do: fc.constant('finish' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const queue = new DelayQueue();
        const model = new Model();
        for (const step of commands) {
          if (step.do === 'add') {
            queue.add(step.key, step.at);
            model.add(step.key, step.at);
          } else if (step.do === 'take') {
            assert.equal(queue.take(step.now)?.key, model.take(step.now));
          } else if (model.working.has(step.key)) {
            queue.finish(step.key);
            model.finish(step.key);
          }
          assert.equal(queue.working, model.working.size);
          assert.equal(queue.nextAtMs(), model.sorted()[0]?.at);
        }
      }),
    );
  });
});

/** The same by scanning lists: slow and plainly right. */
class Model {
  waiting: { key: string; at: number; order: number }[] = [];
  working = new Map<string, number | undefined>();
  #order = 0;

  add(key: string, at: number): void {
    if (this.working.has(key)) {
      this.working.set(key, Math.min(at, this.working.get(key) ?? at));
      return;
    }
    const present = this.waiting.find((entry) => entry.key === key);
    if (present !== undefined && present.at <= at) return;
    this.waiting = [...this.waiting.filter((entry) => entry.key !== key), { key, at, order: this.#order++ }];
  }

  take(now: number): string | undefined {
    const first = this.sorted()[0];
    if (first === undefined || first.at > now) return undefined;
    this.waiting = this.waiting.filter((entry) => entry !== first);
    this.working.set(first.key, undefined);
    return first.key;
  }

  finish(key: string): void {
    const again = this.working.get(key);
    this.working.delete(key);
    if (again !== undefined) this.add(key, again);
  }

  sorted() {
    return [...this.waiting].sort((a, b) => a.at - b.at || a.order - b.order);
  }
}
