import assert from 'node:assert/strict';
import type { WatchEvent, WatchOptions } from '../../shared/kube/client.ts';
import type { KubeObject, Pod } from '../../shared/kube/object.ts';
import { nodes, pods, secrets } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: lists and watches', () => {
  let plane: Plane;
  let namespace: string;
  let stopping: AbortController;

  before(async () => {
    plane = await startPlane();
    const metadata = { name: 'n1' };
    await plane.client.create<KubeObject>(nodes, { apiVersion: 'v1', kind: 'Node', metadata });
  });
  after(() => plane.stop());
  beforeEach(async () => {
    namespace = await plane.newNamespace();
    stopping = new AbortController();
  });
  afterEach(() => stopping.abort());

  async function create(name: string, labels: Record<string, string> = {}): Promise<KubeObject> {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels } };
    return plane.client.create<KubeObject>(secrets, object);
  }
  const label = (name: string, labels: Record<string, string | null>) =>
    plane.client.patch(secrets, { namespace, name }, { type: 'merge', body: { metadata: { labels } } });
  const remove = (name: string) => plane.client.delete(secrets, { namespace, name });
  const revision = async () => (await plane.client.list(secrets, { namespace })).metadata.resourceVersion;

  /** Collects what a watch tells, as `TYPE name`. */
  function watch(options: Partial<WatchOptions>): {
    seen: string[];
    events: WatchEvent<KubeObject>[];
    ended: Promise<void>;
  } {
    const { signal } = stopping;
    const stream = plane.client.watch(secrets, {
      namespace,
      resourceVersion: '0',
      signal,
      ...options,
    });
    const seen: string[] = [];
    const events: WatchEvent<KubeObject>[] = [];
    const collect = async () => {
      for await (const event of stream) {
        events.push(event);
        const { object } = event;
        seen.push(`${event.type} ${'metadata' in object ? object.metadata.name : object.reason}`);
      }
    };
    return { seen, events, ended: collect() };
  }

  const told = (watched: { seen: string[] }, expected: string[]) =>
    eventually(expected.join(', '), () => {
      assert.deepEqual(watched.seen, expected);
      return true;
    });

  it('a watch continues exactly after the list it follows', async () => {
    await create('before');
    const resourceVersion = await revision();
    await create('after');
    const watched = watch({ resourceVersion });
    await told(watched, ['ADDED after']);
    await label('after', { a: 'b' });
    await remove('before');
    await told(watched, ['ADDED after', 'MODIFIED after', 'DELETED before']);
  });

  it('events carry whole objects with rising resourceVersions, deletions too', async () => {
    const watched = watch({ resourceVersion: await revision() });
    await create('a', { x: 'y' });
    await remove('a');
    await told(watched, ['ADDED a', 'DELETED a']);
    const objects = watched.events.map((event) => event.object as KubeObject);
    assert.deepEqual(
      objects.map(({ kind, apiVersion, metadata }) => [kind, apiVersion, metadata.labels]),
      [
        ['Secret', 'v1', { x: 'y' }],
        ['Secret', 'v1', { x: 'y' }],
      ],
    );
    const [added, deleted] = objects.map(({ metadata }) => Number(metadata.resourceVersion));
    assert.ok(added! < deleted!);
  });

  it('an object that enters or leaves a selector is added or deleted', async () => {
    await create('a', { on: 'no' });
    const watched = watch({ resourceVersion: await revision(), labelSelector: 'on=yes' });
    await label('a', { on: 'yes' });
    await label('a', { more: '1' });
    await label('a', { on: 'no' });
    await label('a', { more: '2' });
    await create('b', { on: 'yes' });
    await told(watched, ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED b']);
    const left = watched.events[2]?.object as KubeObject;
    assert.equal(left.metadata.labels?.['on'], 'yes');
  });

  it('field selectors watch the pods of one node', async () => {
    const resourceVersion = (await plane.client.list(pods, { namespace })).metadata.resourceVersion;
    const { signal } = stopping;
    const options = { namespace, resourceVersion, fieldSelector: 'spec.nodeName=n1', signal };
    const spec = { containers: [{ name: 'c', image: 'registry.example/i:1' }] };
    for (const [name, more] of [
      ['elsewhere', {}],
      ['here', { nodeName: 'n1' }],
    ] as const) {
      const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { ...spec, ...more } };
      await plane.client.create(pods, pod);
    }
    for await (const event of plane.client.watch(pods, options)) {
      assert.equal((event.object as Pod).metadata.name, 'here');
      break;
    }
  });

  it('a watch ends after its timeout, shortly after a bookmark that continues it', async () => {
    const resourceVersion = await revision();
    const watched = watch({ resourceVersion, timeoutSeconds: 4, labelSelector: 'watched=yes' });
    await create('seen', { watched: 'yes' });
    await told(watched, ['ADDED seen']);
    await create('unseen');
    await watched.ended;
    const last = watched.events.at(-1);
    assert.ok(last?.type === 'BOOKMARK', `a bookmark, not ${last?.type}`);
    const bookmarked = Number((last.object as KubeObject).metadata.resourceVersion);
    const seen = Number((watched.events[0]!.object as KubeObject).metadata.resourceVersion);
    assert.ok(bookmarked > seen, 'it tells how far the watch has come');
    const next = watch({ resourceVersion: String(bookmarked) });
    await create('later');
    await told(next, ['ADDED later']);
  });

  it('pages show the state of the first page', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    const first = await plane.client.list(secrets, { namespace, limit: 2 });
    await remove('c');
    await create('f');
    const names = first.items.map(({ metadata }) => metadata.name);
    let token = first.metadata.continue;
    while (token) {
      const page = await plane.client.list(secrets, { namespace, limit: 2, continue: token });
      assert.equal(page.metadata.resourceVersion, first.metadata.resourceVersion);
      names.push(...page.items.map(({ metadata }) => metadata.name));
      token = page.metadata.continue;
    }
    assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
  });

  it('a namespace sees its own objects only', async () => {
    const watched = watch({ resourceVersion: await revision() });
    const elsewhere = await plane.newNamespace();
    const metadata = { name: 'other', namespace: elsewhere };
    await plane.client.create<KubeObject>(secrets, { apiVersion: 'v1', kind: 'Secret', metadata });
    await create('own');
    await told(watched, ['ADDED own']);
  });
});
