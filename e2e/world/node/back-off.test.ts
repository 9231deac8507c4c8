import assert from 'node:assert/strict';
import { type BackOffEntry, durationText, nextEntry, notBeforeMs } from './back-off.ts';

describe('The back-off of the kubelet stand-in', () => {
  it('lets the first restart through at once, then waits 10 s, doubling up to 5 minutes', () => {
    let entry: BackOffEntry | undefined;
    let nowMs = 0;
    const waits: number[] = [];
    for (let crash = 0; crash < 8; crash += 1) {
      const restartMs = notBeforeMs(entry, nowMs);
      waits.push((restartMs - nowMs) / 1000);
      entry = nextEntry(entry, restartMs);
      nowMs = restartMs;
    }
    assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  });

  it('starts anew for a container that ran longer than 10 minutes', () => {
    const entry = { delayMs: 160_000, updatedMs: 0 };
    assert.equal(notBeforeMs(entry, 600_000), 760_000);
    assert.equal(notBeforeMs(entry, 600_001), 600_001);
    assert.deepEqual(nextEntry(entry, 600_001), { delayMs: 10_000, updatedMs: 600_001 });
  });

  it('writes delays as kubelet does', () => {
    assert.deepEqual([10_000, 80_000, 300_000].map(durationText), ['10s', '1m20s', '5m0s']);
  });
});
