import assert from 'node:assert/strict';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { steadyTime } from './clock.ts';

describe('the time for durations', () => {
  it('goes on from where it was when the clock is set back, and follows it forward', async () => {
    const clock = new VirtualClock(10_000);
    const now = steadyTime(clock);
    await clock.advance(500);
    assert.equal(now(), 10_500);
    clock.setBack(3_600_000);
    assert.equal(now(), 10_500);
    await clock.advance(250);
    assert.equal(now(), 10_750);
    clock.setBack(10);
    await clock.advance(86_400_000);
    assert.ok(now() - 10_750 >= 86_400_000 - 10);
  });
});
