import assert from 'node:assert/strict';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { Cache } from '../../shared/kube/cache.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { secrets } from '../../shared/kube/resources.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

const asObject = { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' };
const asList = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };

describe('conformance: metadata without the object', () => {
  let plane: Plane;
  let namespace: string;
  let path: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
    path = `/api/v1/namespaces/${namespace}/secrets`;
    for (const name of ['a', 'b']) await create(name);
  });
  after(() => plane.stop());

  const create = (name: string) =>
    plane.client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels: { use: 'test' } },
      data: { password: Buffer.from('never to be seen').toString('base64') },
    });
  const shapeOf = (object: Record<string, unknown>) => [
    object['kind'],
    object['apiVersion'],
    Object.keys(object).sort().join(),
  ];
  const partial = ['PartialObjectMetadata', 'meta.k8s.io/v1', 'apiVersion,kind,metadata'];

  it('is what get gives', async () => {
    const { code, body } = await plane.raw.call('GET', `${path}/a`, undefined, asObject);
    assert.equal(code, 200);
    assert.deepEqual(shapeOf(body), partial);
    const { metadata } = body as unknown as KubeObject;
    assert.deepEqual([metadata.name, metadata.namespace, metadata.labels], ['a', namespace, { use: 'test' }]);
  });

  it('is what list gives, page by page', async () => {
    const { body } = await plane.raw.call('GET', `${path}?limit=1`, undefined, asList);
    assert.deepEqual([body['kind'], body['apiVersion']], ['PartialObjectMetadataList', 'meta.k8s.io/v1']);
    const { metadata, items } = body as unknown as {
      metadata: Record<string, unknown>;
      items: Record<string, unknown>[];
    };
    assert.deepEqual(items.map(shapeOf), [partial]);
    assert.equal(metadata['remainingItemCount'], 1);
    assert.match(String(metadata['resourceVersion']), /^\d+$/);
  });

  it('is what a watch gives, bookmarks included', async () => {
    const query = 'watch=true&timeoutSeconds=4&allowWatchBookmarks=true&resourceVersion=0';
    const events = await plane.raw.watch(`${path}?${query}`, asObject);
    assert.ok(events.some(({ type }) => type === 'BOOKMARK'));
    assert.deepEqual(events.filter(({ type }) => type === 'ADDED').length, 2);
    for (const { object } of events) assert.deepEqual(shapeOf(object), partial);
  });

  for (const [what, place, headers] of [
    ['a list as one object', '', asObject],
    ['one object as a list', '/a', asList],
  ] as const)
    it(`is refused for ${what}`, async () => {
      const { code, body } = await plane.raw.call('GET', `${path}${place}`, undefined, headers);
      assert.deepEqual([code, body['reason'], body['kind']], [406, 'NotAcceptable', 'Status']);
    });

  it('is all that a cache holds that wants no more, under the kind that it asked for', async () => {
    const runtime = { clock: systemClock, random: () => 0.5, log: silentLog, meters: silentMeters };
    const stop = new AbortController();
    const cache = new Cache({ client: plane.client, resource: secrets, runtime, namespace, metadataOnly: true });
    cache.start(stop.signal);
    await cache.whenSynced(stop.signal);
    await create('c');
    const told = await eventually('the watch tells of a new one', () =>
      Promise.resolve(cache.get({ namespace, name: 'c' })),
    );
    for (const object of [cache.get({ namespace, name: 'a' }), told]) {
      assert.deepEqual(shapeOf({ ...object }), ['Secret', 'v1', 'apiVersion,kind,metadata']);
    }
    stop.abort();
    await cache.stopped;
  });
});
