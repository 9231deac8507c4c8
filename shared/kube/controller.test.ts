import assert from 'node:assert/strict';
import { after, done, type Outcome } from '../core/outcome.ts';
import { PrometheusMeters } from '../process/metrics.ts';
import { seriesValue } from '../testing/exposition.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle } from '../testing/virtual-clock.ts';
import { type Controller, type Source, startController } from './controller.ts';
import { KubeError } from './errors.ts';

function harness(reconcile: Controller['reconcile'], options: { concurrency?: number; source?: Source } = {}) {
  const { clock, lines, runtime } = testRuntime();
  const abort = new AbortController();
  const { source, concurrency = 1 } = options;
  const controller = { name: 'test', concurrency, sources: source === undefined ? [] : [source], reconcile };
  const running = startController(controller, runtime, abort.signal);
  return { clock, lines, abort, running };
}

describe('a controller', () => {
  it('decides nothing before all its sources are synced', async () => {
    const synced = Promise.withResolvers<void>();
    const seen: string[] = [];
    const source: Source = { whenSynced: () => synced.promise, attach: (enqueue) => enqueue('early') };
    const { clock, abort, running } = harness(recordingKeys(seen), { source });
    await clock.advance(60_000);
    assert.deepEqual(seen, []);
    synced.resolve();
    await settle();
    assert.deepEqual(seen, ['early']);
    abort.abort();
    await running.stopped;
  });

  it('never works twice at once on a key, and again when it was asked for meanwhile', async () => {
    const gates: (() => void)[] = [];
    const { abort, running } = harness(() => new Promise<Outcome>((resolve) => gates.push(() => resolve(done))), {
      concurrency: 4,
    });
    await settle();
    running.enqueue('a');
    running.enqueue('a');
    await settle();
    running.enqueue('a');
    await settle();
    assert.equal(gates.length, 1);
    gates[0]?.();
    await settle();
    assert.equal(gates.length, 2);
    gates[1]?.();
    await settle();
    assert.equal(gates.length, 2);
    abort.abort();
    await running.stopped;
  });

  it('works on as many keys at once as it may', async () => {
    let working = 0;
    let most = 0;
    const { clock, abort, running } = harness(
      async () => {
        most = Math.max(most, ++working);
        await settle();
        working--;
        return done;
      },
      { concurrency: 3 },
    );
    await settle();
    for (let key = 0; key < 10; key++) running.enqueue(String(key));
    await clock.advance(0);
    for (let turn = 0; turn < 10; turn++) await settle();
    assert.equal(most, 3);
    assert.equal(working, 0);
    abort.abort();
    await running.stopped;
  });

  it('looks again when the outcome asks for it', async () => {
    const times: number[] = [];
    const { clock, abort, running } = harness(async () => {
      times.push(clock.now());
      return times.length < 3 ? after(10_000, 'soak') : done;
    });
    await settle();
    running.enqueue('a');
    await clock.advance(60_000);
    assert.deepEqual(
      times.map((time) => time - (times[0] ?? 0)),
      [0, 10_000, 20_000],
    );
    assert.equal(clock.pending, 0);
    abort.abort();
    await running.stopped;
  });

  it('backs off from a key that fails, without holding up others, and says the same failure once', async () => {
    const tries: string[] = [];
    const { clock, lines, abort, running } = harness(async (key) => {
      tries.push(key);
      if (key === 'bad') throw new KubeError(500, 'InternalError', 'broken');
      return done;
    });
    await settle();
    running.enqueue('bad');
    running.enqueue('good');
    await clock.advance(10_000);
    assert.deepEqual(tries.slice(0, 2), ['bad', 'good']);
    // Delays of 0.75, 1.5, 3 and 6 s: chance is at its middle.
    assert.equal(tries.filter((key) => key === 'bad').length, 4);
    assert.equal(lines.filter((line) => line.text === 'reconcile failed, trying again').length, 1);
    abort.abort();
    await running.stopped;
  });

  it('waits no longer for a key where somebody sets the clock back', async () => {
    const seen: string[] = [];
    const { clock, abort, running } = harness(async (key) => {
      seen.push(key);
      return key === 'later' && seen.length === 1 ? after(10_000, 'Test') : done;
    });
    await settle();
    running.enqueue('later');
    await clock.advance(4_000);
    clock.setBack(3_600_000);
    running.enqueue('now');
    await clock.advance(100);
    assert.deepEqual(seen, ['later', 'now']);
    await clock.advance(10_000);
    assert.deepEqual(seen, ['later', 'now', 'later']);
    abort.abort();
    await running.stopped;
  });

  it('lets the event loop turn while thousands of keys are looked at without a request', async () => {
    let looked = 0;
    const { abort, running } = harness(
      async () => {
        for (const untilMs = performance.now() + 0.5; performance.now() < untilMs; );
        looked += 1;
        return done;
      },
      { concurrency: 8 },
    );
    for (let key = 0; key < 400; key += 1) running.enqueue(String(key));
    const lookedAtTurns: number[] = [];
    while (looked < 400) {
      await new Promise((resolve) => setImmediate(resolve));
      lookedAtTurns.push(looked);
    }
    assert.ok(lookedAtTurns.length >= 5, `expected a turn each 10 ms of 200, got ${lookedAtTurns}`);
    abort.abort();
    await running.stopped;
  });

  it('waits at its end for what is under way, and starts nothing more', async () => {
    const gate = Promise.withResolvers<Outcome>();
    const keys: string[] = [];
    const { abort, running } = harness((key) => {
      keys.push(key);
      return gate.promise;
    });
    await settle();
    running.enqueue('a');
    running.enqueue('b');
    await settle();
    abort.abort();
    running.enqueue('c');
    let stopped = false;
    const end = running.stopped.then(() => {
      stopped = true;
    });
    await settle();
    assert.equal(stopped, false);
    gate.resolve(done);
    await end;
    assert.deepEqual(keys, ['a']);
  });

  it('ends when it is told so before its sources are synced', async () => {
    const source: Source = {
      whenSynced: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
      attach: (enqueue) => enqueue('early'),
    };
    const seen: string[] = [];
    const { abort, running } = harness(recordingKeys(seen), { source });
    abort.abort();
    await running.stopped;
    await settle();
    assert.deepEqual(seen, []);
  });

  it('is measured: what waits its turn and how long, what was tried again, how each look ended', async () => {
    const meters = new PrometheusMeters();
    const { clock, runtime } = testRuntime({ meters });
    const abort = new AbortController();
    const gates: ((end: Outcome | Error) => void)[] = [];
    const reconcile = () =>
      new Promise<Outcome>((resolve, reject) =>
        gates.push((end) => (end instanceof Error ? reject(end) : resolve(end))),
      );
    const running = startController({ name: 'test', concurrency: 1, sources: [], reconcile }, runtime, abort.signal);
    const page = async () => (await meters.exposition()).body;
    const of = { controller: 'test' };
    await settle();
    for (const key of ['a', 'b', 'c']) running.enqueue(key);
    assert.equal(seriesValue(await page(), 'kmm_queue_depth', of), 2);
    await clock.advance(4_000);
    gates[0]?.(new KubeError(409, 'Conflict', 'it was changed by machine-4711'));
    await settle();
    gates[1]?.(new KubeError(400, 'denied: cluster edge-1 at 12:01', 'denied'));
    await settle();
    gates[2]?.(done);
    await settle();
    const body = await page();
    assert.equal(seriesValue(body, 'kmm_queue_depth', of), 0);
    assert.equal(seriesValue(body, 'kmm_queue_retries_total', of), 2);
    assert.equal(seriesValue(body, 'kmm_queue_latency_seconds_bucket', { ...of, le: '1' }), 1);
    assert.equal(seriesValue(body, 'kmm_queue_latency_seconds_bucket', { ...of, le: '5' }), 3);
    assert.equal(seriesValue(body, 'kmm_reconcile_seconds_sum', of), 4);
    for (const [result, reason] of [
      ['conflict', 'Conflict'],
      ['failed', 'Other'],
      ['done', ''],
    ] as const) {
      assert.equal(seriesValue(body, 'kmm_reconciles_total', { ...of, result, reason }), 1, result);
    }
    abort.abort();
    await running.stopped;
    assert.equal(seriesValue(await page(), 'kmm_queue_depth', of), undefined);
  });
});

function recordingKeys(seen: string[]): Controller['reconcile'] {
  return async (key) => {
    seen.push(key);
    return done;
  };
}
