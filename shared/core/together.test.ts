import assert from 'node:assert/strict';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { together } from './together.ts';

describe('what is told many times', () => {
  it('is passed on once for all that came within a moment, and again after it', async () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    const tell = together(clock, (key) => told.push(key));
    for (let count = 0; count < 100; count += 1) tell(count % 2 === 0 ? 'a' : 'b');
    assert.deepEqual(told, []);
    await clock.advance(100);
    assert.deepEqual(told, ['a', 'b']);
    tell('a');
    await clock.advance(100);
    assert.deepEqual(told, ['a', 'b', 'a']);
  });

  it('is passed on again when the telling itself told', async () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    const tell = together(clock, (key) => {
      told.push(key);
      if (told.length < 3) tell('a');
    });
    tell('a');
    await clock.advance(1_000);
    assert.deepEqual(told, ['a', 'a', 'a']);
  });
});
