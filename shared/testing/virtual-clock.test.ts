import assert from 'node:assert/strict';
import { sleep } from '../core/clock.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('the virtual clock', () => {
  it('fires timers in the order of their times, each at its own time', async () => {
    const clock = new VirtualClock(0);
    const fired: [string, number][] = [];
    for (const [name, delayMs] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
    ] as const) {
      clock.after(delayMs, () => fired.push([name, clock.now()]));
    }
    await clock.advance(29);
    assert.deepEqual(fired, [
      ['a', 10],
      ['b', 10],
    ]);
    await clock.advance(1);
    assert.deepEqual(fired.at(-1), ['c', 30]);
    assert.equal(clock.pending, 0);
  });

  it('lets what a timer woke go on before the next one fires', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const walk = async () => {
      for (let step = 0; step < 3; step++) {
        await sleep(clock, 10);
        seen.push(clock.now());
      }
    };
    const walked = walk();
    await clock.advance(100);
    await walked;
    assert.deepEqual(seen, [10, 20, 30]);
  });

  it('tells what passed whoever sets it, and fires timers after as long as before', async () => {
    const clock = new VirtualClock(10_000);
    const fired: number[] = [];
    clock.after(500, () => fired.push(clock.now()));
    await clock.advance(200);
    clock.setBack(3_600_000);
    assert.deepEqual([clock.passed(), clock.now()], [200, 10_200 - 3_600_000]);
    await clock.advance(299);
    assert.deepEqual(fired, []);
    clock.setForward(3_600_000);
    await clock.advance(1);
    assert.deepEqual([clock.passed(), fired], [500, [10_500]]);
  });

  it('never fires a cancelled timer', async () => {
    const clock = new VirtualClock(0);
    const cancel = clock.after(5, () => assert.fail('fired'));
    cancel();
    cancel();
    await clock.advance(10);
  });
});
