import assert from 'node:assert/strict';
import { silentLog } from '../../shared/core/log.ts';
import { done } from '../../shared/core/outcome.ts';
import { Cache, type Change } from '../../shared/kube/cache.ts';
import { startController, watching } from '../../shared/kube/controller.ts';
import type { ConfigMap } from '../../shared/kube/object.ts';
import { configMaps } from '../../shared/kube/resources.ts';
import { watchLimits } from '../../shared/kube/watch.ts';
import { eventually } from '../world/eventually.ts';
import { configMap, namesOf, type Plane, startPlane } from './plane.ts';

describe('list and watch against an API server', () => {
  let plane: Plane;
  beforeEach(async () => {
    plane = await startPlane();
  });
  afterEach(() => plane.stop());

  async function syncedCache(): Promise<{ cache: Cache<ConfigMap>; changes: Change<ConfigMap>[] }> {
    const { client, runtime, abort } = plane;
    const cache = new Cache({ client, runtime, resource: configMaps, namespace: 'default' });
    const changes: Change<ConfigMap>[] = [];
    cache.subscribe((change) => changes.push(change));
    cache.start(abort.signal);
    await cache.whenSynced(abort.signal);
    return { cache, changes };
  }
  const lists = () => plane.server.requests.matching({ verb: 'list', resource: 'configmaps' }).length;
  const watches = () => plane.server.requests.matching({ verb: 'watch', resource: 'configmaps' }).length;

  it('follows creations, changes and deletions', async () => {
    const { cache, changes } = await syncedCache();
    await plane.client.create(configMaps, configMap('a', { k: '1' }));
    await eventually('a in the cache', () => cache.get({ namespace: 'default', name: 'a' }) !== undefined);
    const body = { data: { k: '2' } };
    await plane.client.patch(configMaps, { namespace: 'default', name: 'a' }, { type: 'merge', body });
    await eventually('a changed', () => cache.get({ namespace: 'default', name: 'a' })?.data?.['k'] === '2');
    await plane.client.delete(configMaps, { namespace: 'default', name: 'a' });
    await eventually('a gone', () => cache.list().length === 0);
    assert.deepEqual(
      changes.map(({ previous, current }) => [previous?.data?.['k'], current?.data?.['k']]),
      [
        [undefined, '1'],
        ['1', '2'],
        ['2', undefined],
      ],
    );
  });

  it('reads a long list page by page', async () => {
    const many = Array.from({ length: 1100 }, (_, index) => configMap(`c${String(index).padStart(4, '0')}`));
    await Promise.all(many.map((object) => plane.client.create(configMaps, object)));
    const { cache } = await syncedCache();
    assert.deepEqual(namesOf(cache.list()), namesOf(many));
    assert.equal(lists(), Math.ceil(1100 / watchLimits.pageSize));
  });

  it('goes on over broken connections without a new list, and misses nothing', async () => {
    const { cache } = await syncedCache();
    for (const name of ['a', 'b', 'c']) {
      await eventually('a watch', () => watches() > 0);
      plane.server.requests.clear();
      plane.server.dropConnections();
      await plane.connect().create(configMaps, configMap(name));
      await eventually(`${name} in the cache`, () => cache.get({ namespace: 'default', name }) !== undefined);
      assert.equal(lists(), 0);
    }
  });

  it('lists anew when its version was compacted, and names what vanished meanwhile', async () => {
    await plane.client.create(configMaps, configMap('stays'));
    await plane.client.create(configMaps, configMap('goes'));
    const { cache, changes } = await syncedCache();
    changes.length = 0;
    // All three before the broken watch can come back.
    const other = plane.connect();
    await other.get(configMaps, { namespace: 'default', name: 'goes' });
    plane.server.dropConnections();
    await other.delete(configMaps, { namespace: 'default', name: 'goes' });
    await other.create(configMaps, configMap('new'));
    plane.server.compact();
    await eventually('the new list', () => cache.get({ namespace: 'default', name: 'new' }) !== undefined);
    await eventually('what vanished', () => cache.get({ namespace: 'default', name: 'goes' }) === undefined);
    assert.deepEqual(namesOf(cache.list()), ['new', 'stays']);
    const told = changes.map(({ previous, current }) => [previous?.metadata.name, current?.metadata.name]);
    assert.deepEqual(
      told.sort(),
      [
        ['goes', undefined],
        [undefined, 'new'],
      ].sort(),
    );
  });

  it('stays synced with what it knew while its server is away', async () => {
    await plane.client.create(configMaps, configMap('a'));
    let failures = 0;
    plane.runtime = {
      ...plane.runtime,
      log: { ...silentLog, child: () => ({ ...silentLog, warn: () => failures++ }) },
    };
    const { cache, changes } = await syncedCache();
    await plane.server.stop();
    await eventually('three tries', () => failures >= 3);
    assert.equal(cache.synced, true);
    assert.deepEqual(namesOf(cache.list()), ['a']);
    assert.equal(changes.length, 1);
  });

  it('wakes a controller for each object, and asks for nothing once all is at rest', async () => {
    for (const name of ['a', 'b', 'c']) await plane.client.create(configMaps, configMap(name));
    const { client, runtime, abort, server } = plane;
    const cache = new Cache({ client, runtime, resource: configMaps, namespace: 'default' });
    const seen = new Set<string>();
    const keysFor = ({ current, previous }: Change<ConfigMap>) => [(current ?? previous)?.metadata.name ?? ''];
    const reconcile = async (key: string) => {
      seen.add(key);
      return done;
    };
    const running = startController(
      { name: 'r', sources: [watching(cache, keysFor)], reconcile },
      runtime,
      abort.signal,
    );
    cache.start(abort.signal);
    await eventually('all three seen', () => seen.size === 3);
    await eventually('the watch', () => watches() === 1);
    server.requests.clear();
    await client.create(configMaps, configMap('d'));
    await eventually('d seen', () => seen.has('d'));
    assert.equal(server.requests.total, 1);
    abort.abort();
    await running.stopped;
  });
});
