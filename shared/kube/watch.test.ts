import assert from 'node:assert/strict';
import { PrometheusMeters } from '../process/metrics.ts';
import { seriesValue } from '../testing/exposition.ts';
import { fakeClient } from '../testing/fake-client.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle } from '../testing/virtual-clock.ts';
import type { KubeClient, WatchEvent, WatchOptions } from './client.ts';
import { KubeError } from './errors.ts';
import type { KubeObject } from './object.ts';
import { nodes } from './resources.ts';
import { type Meters, silentMeters } from './runtime.ts';
import { runWatch } from './watch.ts';
import type { WatchEffect } from './watch-state.ts';

/** A server whose lists are empty and whose watches a test feeds. */
function harness(overrides: Partial<KubeClient> = {}, meters: Meters = silentMeters) {
  const { clock, lines, runtime } = testRuntime({ meters });
  const watches: { options: WatchOptions; send(event: object): Promise<void>; end(error?: Error): Promise<void> }[] =
    [];
  const lists: number[] = [];
  const client = fakeClient({
    list: async () => {
      lists.push(clock.now());
      return { metadata: { resourceVersion: String(10 * lists.length) }, items: [] };
    },
    watch: (_resource, options) => {
      const feed = new Feed(options.signal);
      watches.push({
        options,
        send: (event) => feed.push({ event }),
        end: (error) => feed.push(error === undefined ? { end: true } : { error }),
      });
      return feed as AsyncIterable<never>;
    },
    ...overrides,
  });
  const abort = new AbortController();
  const effects: WatchEffect<KubeObject>[] = [];
  const onEffect = (effect: WatchEffect<KubeObject>) => effects.push(effect);
  const ended = runWatch({ client, resource: nodes }, { runtime, signal: abort.signal, onEffect });
  const stop = async () => {
    abort.abort();
    await ended;
    assert.equal(clock.pending, 0);
  };
  return { clock, lines, watches, lists, effects, abort, stop };
}

describe('list and watch', () => {
  it('asks for bookmarks by a watch of 5 to 10 minutes, and goes on from the last version', async () => {
    const { clock, watches, stop } = harness();
    await settle();
    const { timeoutSeconds = 0, resourceVersion } = watches[0]!.options;
    assert.ok(timeoutSeconds >= 300 && timeoutSeconds <= 600, String(timeoutSeconds));
    assert.equal(resourceVersion, '10');
    await watches[0]!.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '17' } } });
    await clock.advance(300_000);
    await watches[0]!.end();
    assert.equal(watches[1]?.options.resourceVersion, '17');
    await stop();
  });

  it('takes a watch for dead that does not end in its time, whatever came on it', async () => {
    const { clock, watches, lists, stop } = harness();
    await settle();
    const overdueMs = (watches[0]!.options.timeoutSeconds ?? 0) * 1000 + 15_000;
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '11' } } };
    let leftMs = overdueMs - 1;
    for (; leftMs > 100_000; leftMs -= 100_000) {
      await clock.advance(100_000);
      await watches[0]!.send(bookmark);
    }
    await clock.advance(leftMs);
    assert.equal(watches[0]!.options.signal.aborted, false);
    await clock.advance(1);
    assert.equal(watches[0]!.options.signal.aborted, true);
    await clock.advance(500);
    assert.equal(watches.length, 2);
    assert.equal(lists.length, 1);
    await stop();
  });

  it('takes a watch for dead that says nothing for two and a half minutes, and watches on', async () => {
    const { clock, watches, lists, stop } = harness();
    await settle();
    await clock.advance(100_000);
    await watches[0]!.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '17' } } });
    await clock.advance(149_999);
    assert.equal(watches[0]!.options.signal.aborted, false);
    await clock.advance(1);
    assert.equal(watches[0]!.options.signal.aborted, true);
    await clock.advance(500);
    assert.deepEqual([watches.length, lists.length], [2, 1]);
    assert.equal(watches[1]!.options.resourceVersion, '17');
    await stop();
  });

  it('has the next page made ready while it takes one in, each page once, also after one that failed', async () => {
    const asked: (string | undefined)[] = [];
    const took: string[] = [];
    let failures = 1;
    const { clock, effects, stop } = harness({
      list: async (_resource, { continue: token } = {}) => {
        took.push(`${asked.length}: ${effects.length}`);
        asked.push(token);
        if (token === '2' && failures-- > 0) throw new KubeError(500, 'InternalError', 'no');
        const page = Number(token ?? 0);
        const items = [{ apiVersion: 'v1', kind: 'Node', metadata: { name: `n${page}`, uid: `u${page}` } }];
        return { metadata: { resourceVersion: '9', ...(page < 3 && { continue: String(page + 1) }) }, items } as never;
      },
    });
    await clock.advance(60_000);
    // The page that failed, and all after it once more from the beginning; none is asked for when its predecessor was taken in.
    assert.deepEqual(asked.slice(0, 3), [undefined, '1', '2']);
    assert.deepEqual(took.slice(0, 2), ['0: 0', '1: 0']);
    const names = effects.flatMap((effect) => (effect.type === 'upsert' ? [effect.object.metadata.name] : []));
    assert.deepEqual(names.slice(-4), ['n0', 'n1', 'n2', 'n3']);
    await stop();
  });

  it('takes a silent watch for dead in time also where somebody sets the clock back', async () => {
    const { clock, watches, stop } = harness();
    await clock.advance(1_000);
    clock.setBack(3_600_000);
    await clock.advance(305_000);
    assert.ok(watches.length >= 2, `${watches.length} watches after five silent minutes`);
    await stop();
  });

  it('lists anew when the version is too old, and names what vanished meanwhile', async () => {
    const { watches, lists, effects, stop } = harness();
    await settle();
    await watches[0]!.send({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    assert.equal(lists.length, 2);
    assert.deepEqual(effects.at(-1), { type: 'retain', keys: new Set() });
    assert.equal(watches[1]?.options.resourceVersion, '20');
    await stop();
  });

  it('comes back when the server says so, and says the failure', async () => {
    let refusals = 0;
    const times: number[] = [];
    const { clock, lines, stop } = harness({
      list: async () => {
        await Promise.resolve();
        times.push(clock.now());
        if (refusals++ === 0) throw new KubeError(429, 'TooManyRequests', 'busy', 20_000);
        return { metadata: { resourceVersion: '1' }, items: [] };
      },
    });
    await clock.advance(25_000);
    assert.deepEqual(
      times.map((time) => time - times[0]!),
      [0, 20_000],
    );
    assert.deepEqual(
      lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields['status']),
      [429],
    );
    await stop();
  });

  it('watches on after a broken connection, without a new list', async () => {
    const { clock, watches, lists, stop } = harness();
    await settle();
    await watches[0]!.end(new KubeError(0, 'ConnectionFailed', 'reset'));
    await clock.advance(500);
    assert.equal(watches.length, 2);
    assert.equal(lists.length, 1);
    await stop();
  });

  it('gives every watch back its connection at the end', async () => {
    const { watches, stop } = harness();
    await settle();
    await stop();
    assert.equal(watches[0]!.options.signal.aborted, true);
  });

  it('counts what ended its watches, and each list and watch that failed', async () => {
    const meters = new PrometheusMeters();
    const { clock, watches, stop } = harness({}, meters);
    await settle();
    await watches[0]!.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '11' } } });
    await clock.advance(100_000);
    await watches[0]!.end();
    await watches[1]!.end(new KubeError(500, 'InternalError', 'oh'));
    await clock.advance(30_000);
    await watches[2]!.send({ type: 'ERROR', object: { code: 410 } });
    await clock.advance(30_000);
    assert.equal(watches.length, 4);
    await stop();
    const { body } = await meters.exposition();
    const restarts = (cause: string) => seriesValue(body, 'kmm_watch_restarts_total', { resource: 'nodes', cause });
    assert.deepEqual(['closed', 'failed', 'event', 'aborted'].map(restarts), [1, 1, 1, undefined]);
    assert.equal(seriesValue(body, 'kmm_watch_failures_total', { resource: 'nodes', status: '500' }), 1);
  });
});

type Item = { event: object } | { error: Error } | { end: true };

/** An async iterable that a test pushes into; ends with the signal as the transport does. */
class Feed {
  #items: Item[] = [];
  #wake = Promise.withResolvers<void>();
  #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  async push(item: Item): Promise<void> {
    this.#items.push(item);
    this.#wake.resolve();
    await settle();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<KubeObject>> {
    while (!this.#signal.aborted) {
      const item = this.#items.shift();
      if (item === undefined) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
      } else if ('error' in item) throw item.error;
      else if ('end' in item) return;
      else yield item.event as WatchEvent<KubeObject>;
    }
  }
}
