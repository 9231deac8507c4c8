import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { sleep, systemClock } from '../core/clock.ts';
import { seriesValue } from '../testing/exposition.ts';
import { measureEventLoop } from './event-loop.ts';
import { PrometheusMeters } from './metrics.ts';

describe('the delay of the event loop', () => {
  it('is told from one look to the next, and forgotten with the measurement', async () => {
    const meters = new PrometheusMeters();
    const stop = measureEventLoop(meters);
    const worst = async () =>
      seriesValue((await meters.exposition()).body, 'kmm_event_loop_delay_seconds', { quantile: '1' });
    await sleep(systemClock, 60);
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    await sleep(systemClock, 60);
    const seen = (await worst()) ?? 0;
    assert.ok(seen > 0.2 && seen < 5, `expected about 0.3 s, got ${seen}`);
    assert.ok(((await worst()) ?? 1) < seen);
    stop();
    assert.equal(await worst(), undefined);
  });
});
