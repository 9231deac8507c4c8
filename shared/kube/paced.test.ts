import assert from 'node:assert/strict';
import { fakeClient } from '../testing/fake-client.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { KubeError } from './errors.ts';
import type { ConfigMap } from './object.ts';
import { withPace } from './paced.ts';
import { configMaps } from './resources.ts';

const map = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
});

function harness(writesPerSecond = 1000, answer: (name: string) => Error | undefined = () => undefined) {
  const clock = new VirtualClock();
  const startMs = clock.now();
  const stopping = new AbortController();
  const sent: [name: string, atMs: number][] = [];
  const asked: string[] = [];
  const client = withPace(
    fakeClient({
      async create(_resource, object) {
        sent.push([object.metadata.name, clock.now() - startMs]);
        const error = answer(object.metadata.name);
        if (error !== undefined) throw error;
        return object as never;
      },
      async get(_resource, { name }) {
        asked.push(name);
        return undefined;
      },
    }),
    { writesPerSecond, clock, signal: stopping.signal },
  );
  return { clock, client, sent, asked, stopping };
}

const overloaded = (retryAfterMs?: number) => new KubeError(429, 'TooManyRequests', 'slow down', retryAfterMs);

describe('writes that keep to a pace', () => {
  it('are no more a second than is allowed, whoever asks for them', async () => {
    const { clock, client, sent } = harness(10);
    const all = Array.from({ length: 31 }, (_, index) => client.create(configMaps, map(String(index))));
    await clock.advance(1000);
    assert.ok(sent.length >= 10 && sent.length <= 12, `expected about 10, got ${sent.length}`);
    await clock.advance(2100);
    await Promise.all(all);
    assert.deepEqual(
      sent.map(([name]) => Number(name)),
      Array.from({ length: 31 }, (_, index) => index),
    );
  });

  it('all wait as long as the server says that refused one of them with 429, and reads do not', async () => {
    const { clock, client, sent, asked } = harness(1000, (name) => (name === 'a' ? overloaded(3000) : undefined));
    await assert.rejects(client.create(configMaps, map('a')), { status: 429 });
    const later = ['b', 'c'].map((name) => client.create(configMaps, map(name)));
    await client.get(configMaps, { namespace: 'default', name: 'read' });
    assert.deepEqual(asked, ['read']);
    await clock.advance(2900);
    assert.equal(sent.length, 1);
    await clock.advance(200);
    await Promise.all(later);
    assert.deepEqual(sent, [
      ['a', 0],
      ['b', 3000],
      ['c', 3000],
    ]);
  });

  it('wait a second when it does not say, ten at most, and not for other refusals', async () => {
    let error: Error | undefined = overloaded();
    const { clock, client, sent } = harness(1000, () => error);
    for (const [refusal, expectedMs] of [
      [overloaded(), 1000],
      [overloaded(3_600_000), 10_000],
      [new KubeError(503, 'ServiceUnavailable', 'no', 9000), 0],
    ] as const) {
      error = refusal;
      await assert.rejects(client.create(configMaps, map('a')));
      error = undefined;
      const before = clock.now();
      const next = client.create(configMaps, map('b'));
      await clock.advance(expectedMs);
      await next;
      assert.equal(clock.now() - before, expectedMs);
    }
    assert.equal(sent.length, 6);
  });

  it('wait no longer where somebody sets the clock back meanwhile', async () => {
    const { clock, client, sent } = harness(10, (name) => (name === 'a' ? overloaded(2000) : undefined));
    await assert.rejects(client.create(configMaps, map('a')));
    const next = client.create(configMaps, map('b'));
    await clock.advance(500);
    clock.setBack(3_600_000);
    await clock.advance(3600);
    await next;
    assert.equal(sent.length, 2);
  });

  it('are not waited for when the program ends', async () => {
    const { client, stopping } = harness(1000, (name) => (name === 'a' ? overloaded(9000) : undefined));
    await assert.rejects(client.create(configMaps, map('a')));
    const next = client.create(configMaps, map('b'));
    stopping.abort();
    await next;
  });
});
