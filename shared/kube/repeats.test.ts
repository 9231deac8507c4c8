import assert from 'node:assert/strict';
import { fakeClient } from '../testing/fake-client.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { KubeError } from './errors.ts';
import type { ConfigMap } from './object.ts';
import { repeatLimits, withoutRepeats } from './repeats.ts';
import { configMaps } from './resources.ts';

const map = (data: string, name = 'a'): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
  data: { data },
});
const at = { namespace: 'default', name: 'a' };

function harness(answer: (body: unknown) => unknown = (body) => body) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const says = async (verb: string, body: unknown) => {
    sent.push(verb);
    return answer(body) as never;
  };
  const client = fakeClient({
    create: (_resource, object) => says('create', object),
    replace: (_resource, object) => says('replace', object),
    patch: (_resource, _at, patch) => says('patch', patch),
    delete: (_resource, _at, options) => says('delete', options),
  });
  return { clock, sent, client: withoutRepeats(client, clock) };
}

describe('writes that equal the last one to their object', () => {
  it('are conflicts for a moment, which doubles while they come back', async () => {
    const { clock, sent, client } = harness();
    const sentAtMs: number[] = [];
    const startMs = clock.now();
    for (let second = 0; second < 60; second++) {
      const before = sent.length;
      await client.create(configMaps, map('1')).catch((error: KubeError) => assert.equal(error.status, 409));
      if (sent.length > before) sentAtMs.push(clock.now() - startMs);
      await clock.advance(1_000);
    }
    assert.deepEqual(sentAtMs, [0, 2_000, 6_000, 14_000, 30_000]);
    await clock.advance(repeatLimits.rememberedMs);
    await client.create(configMaps, map('1'));
    await clock.advance(repeatLimits.firstMs);
    await client.create(configMaps, map('1'));
    assert.equal(sent.length, 7);
  });

  it('are conflicts for hardly longer where somebody sets the clock back', async () => {
    const { clock, sent, client } = harness();
    await client.create(configMaps, map('1'));
    clock.setBack(3_600_000);
    for (let look = 0; look < 3; look += 1) {
      await clock.advance(repeatLimits.firstMs);
      await client.create(configMaps, map('1')).catch((error: KubeError) => assert.equal(error.status, 409));
    }
    assert.ok(sent.length >= 2);
  });

  it('are known by a short text where the writer gives one', async () => {
    const { sent, client } = harness();
    await client.replace(configMaps, map('1'), { saidAs: 'a' });
    await assert.rejects(client.replace(configMaps, map('1'), { saidAs: 'a' }), { status: 409 });
    await client.replace(configMaps, map('1'), { saidAs: 'b' });
    await client.replace(configMaps, map('1'));
    assert.equal(sent.length, 3);
  });

  it('are held back too when the server knew better (409) or no such object (404), not when it failed', async () => {
    for (const [status, count] of [
      [409, 1],
      [404, 1],
      [500, 3],
      [0, 3],
      [422, 3],
    ] as const) {
      const { sent, client } = harness(() => {
        throw new KubeError(status, 'Refused', 'no');
      });
      for (let round = 0; round < 3; round++) await assert.rejects(client.replace(configMaps, map('1')));
      assert.equal(sent.length, count, String(status));
    }
  });

  it('are sent at once when another write to the object came between, or to another object', async () => {
    const { sent, client } = harness();
    for (const value of ['on', 'off', 'on']) {
      await client.patch(configMaps, at, { type: 'merge', body: { data: { value } } });
    }
    await client.create(configMaps, map('1', 'b'));
    await client.create(configMaps, map('1', 'c'));
    await client.patch(configMaps, at, { type: 'merge', body: { data: { value: 'on' } } }, { subresource: 'status' });
    assert.equal(sent.length, 6);
  });

  it('are done when they delete the very object, and are never held back when they name none', async () => {
    const { sent, client } = harness();
    for (let round = 0; round < 3; round++) await client.delete(configMaps, at, { preconditions: { uid: 'u1' } });
    assert.equal(sent.length, 1);
    await client.delete(configMaps, at, { preconditions: { uid: 'u2' } });
    for (let round = 0; round < 2; round++) await client.delete(configMaps, at);
    assert.equal(sent.length, 4);
  });
});
