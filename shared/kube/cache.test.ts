import assert from 'node:assert/strict';
import { fakeClient } from '../testing/fake-client.ts';
import { testRuntime } from '../testing/runtime.ts';
import { settle } from '../testing/virtual-clock.ts';
import { Cache, type CacheOptions, type Change } from './cache.ts';
import type { WatchEvent } from './client.ts';
import { annotations } from './names.ts';
import type { Pod } from './object.ts';
import { pods } from './resources.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function pod(name: string, node: string, metadata: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'n', uid: `uid-${name}`, resourceVersion: '1', ...metadata },
    spec: { nodeName: node, containers: [] },
  };
}

/** A cache over scripted lists; each list is followed by a watch of the given events, then by 410 if another list follows. */
function harness(script: { list: Pod[]; events?: WatchEvent<Pod>[] }[], options: Partial<CacheOptions<Pod>> = {}) {
  const { clock, runtime } = testRuntime();
  let turn = -1;
  const client = fakeClient({
    list: async () => {
      turn += 1;
      return { metadata: { resourceVersion: '100' }, items: (script[turn]?.list ?? []) as never[] };
    },
    async *watch(_resource, { signal }) {
      yield* (script[turn]?.events ?? []) as never[];
      if (turn + 1 < script.length) yield { type: 'ERROR', object: { code: 410 } };
      else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  });
  const cache = new Cache({ client, resource: pods, runtime, indexes: { node: byNode }, ...options });
  const changes: [string | undefined, string | undefined][] = [];
  const nameOf = ({ previous, current }: Change<Pod>) =>
    changes.push([previous?.metadata.name, current?.metadata.name]);
  cache.subscribe(nameOf);
  const abort = new AbortController();
  return { clock, cache, changes, abort };
}
const byNode = (object: Pod) => (object.spec.nodeName === undefined ? [] : [object.spec.nodeName]);
const names = (list: readonly Pod[]) => list.map((object) => object.metadata.name).sort();

async function started(given: ReturnType<typeof harness>) {
  given.cache.start(given.abort.signal);
  await settle();
  await given.clock.advance(60_000);
  return given;
}

describe('a cache', () => {
  it('is synced with the first list, and tells each of its objects', async () => {
    const given = harness([{ list: [pod('a', 'n1'), pod('b', 'n2')] }]);
    assert.equal(given.cache.synced, false);
    const { cache, changes, abort } = await started(given);
    await cache.whenSynced(abort.signal);
    assert.equal(cache.synced, true);
    assert.deepEqual(changes, [
      [undefined, 'a'],
      [undefined, 'b'],
    ]);
    abort.abort();
    await cache.stopped;
  });

  it('asks for what it is about, and tells the server nothing of itself', async () => {
    const { runtime, clock } = testRuntime();
    const asked: object[] = [];
    const client = fakeClient({
      list: async (_resource, options = {}) => {
        asked.push(options);
        return { metadata: { resourceVersion: '1' }, items: [] };
      },
      // biome-ignore lint/correctness/useYield: it ends at once.
      async *watch(_resource, options) {
        asked.push(options);
      },
    });
    const abort = new AbortController();
    const slim = (object: Pod) => object;
    new Cache({ client, resource: pods, runtime, slim, indexes: { node: byNode }, namespace: 'n' }).start(abort.signal);
    await settle();
    abort.abort();
    await clock.advance(60_000);
    const set = asked.map((options) =>
      Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    );
    assert.deepEqual(
      set.map((names) => names.sort().join()),
      ['limit,namespace,signal', 'namespace,resourceVersion,signal,timeoutSeconds'],
    );
  });

  it('takes a page in again that a listener broke off, and misses nothing of it', async () => {
    for (const broken of ['b', 'c']) {
      const { runtime, clock } = testRuntime();
      let version = 0;
      const client = fakeClient({
        list: async (_resource, { continue: token = '0' } = {}) => {
          version += 1;
          const page = ['a', 'b', 'c'].map((name) => [pod(`${name}1`, 'n'), pod(`${name}2`, 'n')])[Number(token)];
          const next = token === '2' ? {} : { continue: String(Number(token) + 1) };
          return { metadata: { resourceVersion: String(version), ...next }, items: page as never[] };
        },
        async *watch(_resource, { signal }) {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          yield* [];
        },
      });
      const cache = new Cache({ client, resource: pods, runtime });
      let failures = 1;
      cache.subscribe(({ current }) => {
        if (current?.metadata.name === `${broken}1` && failures-- > 0) throw new Error('no');
      });
      const abort = new AbortController();
      cache.start(abort.signal);
      await clock.advance(60_000);
      assert.deepEqual(names(cache.list()), ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
      assert.equal(cache.synced, true);
      abort.abort();
      await clock.advance(60_000);
    }
  });

  it('finds objects by name and by index, also after they moved or went', async () => {
    const events: WatchEvent<Pod>[] = [
      { type: 'MODIFIED', object: pod('a', 'n2', { resourceVersion: '2' }) },
      { type: 'DELETED', object: pod('b', 'n2', { resourceVersion: '3' }) },
    ];
    const { cache, abort } = await started(harness([{ list: [pod('a', 'n1'), pod('b', 'n2')], events }]));
    assert.deepEqual(names(cache.byIndex('node', 'n1')), []);
    assert.deepEqual(names(cache.byIndex('node', 'n2')), ['a']);
    assert.equal(cache.get({ namespace: 'n', name: 'a' })?.metadata.resourceVersion, '2');
    assert.equal(cache.get({ namespace: 'n', name: 'b' }), undefined);
    assert.deepEqual(names(cache.list()), ['a']);
    assert.throws(() => cache.byIndex('nodes', 'n1'), /no index "nodes"; there are: node/);
    abort.abort();
    await cache.stopped;
  });

  it('tells of a second list only what differs: what vanished, what is new, what has another version', async () => {
    const second = [pod('a', 'n1'), pod('c', 'n1'), pod('d', 'n1', { resourceVersion: '9' })];
    const first = [pod('a', 'n1'), pod('b', 'n1'), pod('d', 'n1')];
    const { cache, changes, abort } = await started(harness([{ list: first }, { list: second }]));
    assert.deepEqual(changes.slice(3), [
      [undefined, 'c'],
      ['d', 'd'],
      ['b', undefined],
    ]);
    abort.abort();
    await cache.stopped;
  });

  it('tells a listener that comes late what is there', async () => {
    const { cache, abort } = await started(harness([{ list: [pod('a', 'n1')] }]));
    const late: string[] = [];
    cache.subscribe(({ current }) => late.push(current?.metadata.name ?? ''));
    assert.deepEqual(late, ['a']);
    abort.abort();
    await cache.stopped;
  });

  it('drops what nobody reads, and freezes what all share', async () => {
    const metadata = { managedFields: [{}], annotations: { [lastApplied]: '{}', mine: '1' } };
    const { cache, abort } = await started(harness([{ list: [pod('a', 'n1', metadata)] }]));
    const seen = cache.list()[0]!;
    assert.deepEqual(seen.metadata.annotations, { mine: '1' });
    assert.equal('managedFields' in seen.metadata, false);
    assert.throws(() => {
      seen.spec.containers.push({ name: 'x' });
    }, TypeError);
    abort.abort();
    await cache.stopped;
  });

  it('keeps all annotations of what we write whole, since a PUT would lose them', async () => {
    const written = { annotations: { [lastApplied]: '{}', [annotations.written]: 'x' } };
    const controller = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true };
    const owned = { annotations: { [lastApplied]: '{}' }, ownerReferences: [controller] };
    const { cache, abort } = await started(harness([{ list: [pod('a', 'n', written), pod('b', 'n', owned)] }]));
    for (const seen of cache.list()) assert.equal(seen.metadata.annotations?.[lastApplied], '{}');
    abort.abort();
    await cache.stopped;
  });

  it('keeps the slim form that it is given', async () => {
    const slim = ({ spec: _, ...rest }: Pod): Pod => ({ ...rest, spec: { containers: [] } });
    const { cache, abort } = await started(harness([{ list: [pod('a', 'n1')] }], { slim }));
    assert.deepEqual(cache.list()[0]?.spec, { containers: [] });
    abort.abort();
    await cache.stopped;
  });

  it('rejects who waits for it when the end comes first', async () => {
    const { cache } = harness([{ list: [] }]);
    const abort = new AbortController();
    const waiting = cache.whenSynced(abort.signal);
    abort.abort(new Error('over'));
    await assert.rejects(waiting, /over/);
  });

  it('freezes what it keeps, however deeply it is nested', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}null${'}'.repeat(50_000)}`);
    const { cache, abort } = harness([{ list: [{ ...pod('a', 'n1'), spec: deep }] }]);
    cache.start(abort.signal);
    await cache.whenSynced(abort.signal);
    const kept = cache.get({ namespace: 'n', name: 'a' }) as unknown as { spec: { a: { a: object } } };
    assert.ok([kept, kept.spec, kept.spec.a, kept.spec.a.a].every(Object.isFrozen));
    abort.abort();
  });

  it('tells all listeners, also behind one that throws, and goes on', async () => {
    const list = [pod('a', 'n1'), pod('b', 'n1')];
    const { cache, clock, changes, abort } = harness([{ list }, { list }]);
    const told: (string | undefined)[] = [];
    cache.subscribe(({ current }) => {
      if (current?.metadata.name === 'a') throw new TypeError('of a');
    });
    cache.subscribe(({ current }) => told.push(current?.metadata.name));
    cache.start(abort.signal);
    await clock.advance(60_000);
    assert.equal(cache.synced, true);
    assert.deepEqual(told, ['a', 'b']);
    assert.equal(changes.length, 2);
    abort.abort();
  });
});
