import assert from 'node:assert/strict';
import fc from 'fast-check';
import { frozen } from '../core/frozen.ts';
import { fakeClient } from '../testing/fake-client.ts';
import type { KubeClient } from './client.ts';
import { annotations } from './names.ts';
import type { KubeObject, Resource } from './object.ts';
import type { Owner } from './ownership.ts';
import { writeOwned } from './write.ts';

type Thing = KubeObject & { spec?: Record<string, unknown>; status?: unknown };
const things: Resource<Thing> = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const owner: Owner = { apiVersion: 'g/v1', kind: 'Boss', name: 'boss', uid: 'uid-1' };

function thing(spec: Record<string, unknown>, metadata: object = {}): Thing {
  return { apiVersion: 'g/v1', kind: 'Thing', metadata: { name: 'a', namespace: 'n', ...metadata }, spec };
}

/** A server of one object that adds defaults to what is not set, and counts the writes. */
class Server {
  object: Thing | undefined;
  writes = 0;
  client: KubeClient;

  constructor(defaults: Record<string, unknown> = {}) {
    const keep = async (object: Thing): Promise<Thing> => {
      this.writes += 1;
      const metadata = { uid: 'uid', ...object.metadata, resourceVersion: String(this.writes) };
      this.object = { ...object, metadata, spec: withDefaults(object.spec ?? {}, defaults) };
      return this.object;
    };
    this.client = fakeClient({
      create: (_resource, object) => keep(object as Thing) as Promise<never>,
      replace: (_resource, object) => keep(object as Thing) as Promise<never>,
    });
  }

  write(wanted: Thing, more: { owner?: Owner; exact?: (object: Thing) => readonly unknown[] } = {}) {
    return writeOwned(this.client, things, { present: this.object, wanted, ...more });
  }
}

function withDefaults(spec: Record<string, unknown>, defaults: Record<string, unknown>): Record<string, unknown> {
  return { ...defaults, ...spec };
}

describe('writing what we own whole', () => {
  it('creates what is not there, with its owner as controller', async () => {
    const server = new Server();
    assert.equal(await server.write(thing({ a: 1 }), { owner }), 'created');
    const [reference] = server.object?.metadata.ownerReferences ?? [];
    assert.deepEqual(reference, { ...owner, controller: true, blockOwnerDeletion: true });
  });

  it('sends nothing a second time, whatever defaults the server adds', async () => {
    const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.jsonValue({ maxDepth: 3 }));
    await fc.assert(
      fc.asyncProperty(json, json, async (spec, defaults) => {
        const server = new Server(defaults);
        const wanted = thing(spec, { labels: { l: '1' } });
        assert.equal(await server.write(wanted, { owner }), 'created');
        assert.equal(await server.write(structuredClone(wanted), { owner }), 'unchanged');
        assert.equal(server.writes, 1);
      }),
    );
  });

  it('keeps what others put on the object, whatever it is', async () => {
    const key = fc.stringMatching(/^(?:foreign\.io\/)?[a-z]{1,4}$/);
    const keys = fc.dictionary(key, fc.string({ maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.uniqueArray(key), async (foreign, ours, finalizers) => {
        const server = new Server();
        await server.write(thing({ a: 1 }, { labels: ours, annotations: ours }), { owner });
        const other = { apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'uid-x' };
        const { metadata } = server.object!;
        metadata.labels = { ...foreign, ...metadata.labels };
        metadata.annotations = { ...foreign, ...metadata.annotations };
        metadata.finalizers = finalizers;
        metadata.ownerReferences = [other, ...(metadata.ownerReferences ?? [])];
        assert.equal(await server.write(thing({ a: 2 }, { labels: ours, annotations: ours }), { owner }), 'updated');
        const after = server.object!.metadata;
        assert.deepEqual({ ...after.labels }, { ...foreign, ...ours });
        const { [annotations.written]: _, ...kept } = after.annotations ?? {};
        assert.deepEqual(kept, { ...foreign, ...ours });
        assert.deepEqual(after.finalizers ?? [], finalizers);
        assert.deepEqual(
          after.ownerReferences?.map(({ uid }) => uid),
          ['uid-x', 'uid-1'],
        );
      }),
    );
  });

  it('sets back our leaf that someone changed, and leaves what someone added', async () => {
    const server = new Server();
    await server.write(thing({ a: 1 }));
    server.object!.spec = { a: 1, b: 'added' };
    assert.equal(await server.write(thing({ a: 1 })), 'unchanged');
    server.object!.spec = { a: 3, b: 'added' };
    assert.equal(await server.write(thing({ a: 1 })), 'updated');
    assert.equal(server.object!.spec?.['a'], 1);
  });

  it('takes away a field, a label and an annotation that we no longer want', async () => {
    const server = new Server();
    await server.write(thing({ a: 1, b: 2 }, { labels: { keep: '1', go: '1' }, annotations: { gone: '1' } }));
    server.object!.metadata.labels!['foreign'] = '1';
    assert.equal(await server.write(thing({ a: 1 }, { labels: { keep: '1' } })), 'updated');
    assert.deepEqual(server.object!.spec, { a: 1 });
    assert.deepEqual(server.object!.metadata.labels, { keep: '1', foreign: '1' });
    assert.deepEqual(Object.keys(server.object!.metadata.annotations ?? {}), [annotations.written]);
    assert.equal(await server.write(thing({ a: 1 }, { labels: { keep: '1' } })), 'unchanged');
  });

  it('allows nothing foreign in a part that is exact', async () => {
    const server = new Server();
    const exact = (object: Thing) => [object.spec];
    await server.write(thing({ a: 1 }), { exact });
    assert.equal(await server.write(thing({ a: 1 }), { exact }), 'unchanged');
    server.object!.spec = { a: 1, b: 'added' };
    assert.equal(await server.write(thing({ a: 1 }), { exact }), 'updated');
    assert.deepEqual(server.object!.spec, { a: 1 });
  });

  it('says in short what it writes: another wish, or another version that is replaced, is another write', async () => {
    const said: (string | undefined)[] = [];
    const client = fakeClient({
      create: async (_resource, object, options) => {
        said.push(options?.saidAs);
        return object;
      },
      replace: async (_resource, object, options) => {
        said.push(options?.saidAs);
        return object;
      },
    });
    const of = (present: Thing | undefined, wanted: Thing) => writeOwned(client, things, { present, wanted });
    const present = thing({ a: 0 }, { uid: 'u', resourceVersion: '1' });
    await of(undefined, thing({ a: 1 }));
    for (const wish of [1, 1, 2]) await of(present, thing({ a: wish }));
    await of({ ...present, metadata: { ...present.metadata, resourceVersion: '2' } }, thing({ a: 2 }));
    const [first, again, other, later] = said.slice(1);
    assert.equal(first, again);
    assert.equal(new Set([said[0], first, other, later]).size, 4);
  });

  it('says the same of a part that many objects share, frozen, and of its copy', async () => {
    const server = new Server({ byTheServer: 1 });
    const frozenThing = { ...thing({}), spec: frozen({ a: { b: 1 } }) };
    await server.write(frozenThing);
    const { writes } = server;
    assert.equal(await server.write(thing({ a: { b: 1 } })), 'unchanged');
    assert.equal(await server.write(frozenThing), 'unchanged');
    assert.equal(server.writes, writes);
  });

  it('leaves alone what says just that, whatever an older version remembered of it by', async () => {
    const server = new Server();
    const wanted = thing({ a: 1 }, { labels: { l: '1' } });
    await server.write(wanted, { owner });
    const first = server.object!;
    const [, ...names] = first.metadata.annotations![annotations.written]!.split(' ');
    const after = (changed: Partial<Thing['metadata']>, rest: object = {}) => {
      server.object = { ...first, ...rest, metadata: { ...first.metadata, ...changed } };
      return server.write(wanted, { owner });
    };
    const older = { annotations: { [annotations.written]: ['other', ...names].join(' ') } };
    assert.equal(await after(older), 'unchanged');
    assert.equal(await after({ ...older, finalizers: ['of/the-agent'] }, { status: { ready: 1 } }), 'unchanged');
    // What is more may be ours from before.
    assert.equal(await after({ ...older, labels: { l: '1', gone: '1' } }), 'updated');
    assert.equal(await after(older, { data: { k: 1 } }), 'updated');
    assert.equal('data' in server.object!, false);
    // What was somebody's, or nobody's, becomes ours.
    assert.equal(await after({ annotations: { [annotations.written]: 'other  ' } }), 'updated');
    assert.equal(await after({ annotations: {} }), 'updated');
  });

  it('asks one of many alike for its memory: what the server adds to a spec that they share is nobody’s', async () => {
    const server = new Server({ mode: 'Poll' });
    const wanted = thing(frozen({ a: 1 }));
    const written = async (spec: Record<string, unknown>, hash?: string) => {
      const { object } = server;
      const { [annotations.written]: memory = '', ...others } = object?.metadata.annotations ?? {};
      const [kept, ...names] = memory.split(' ');
      const noted = { ...others, [annotations.written]: [hash ?? kept, ...names].join(' ') };
      server.object = { ...object!, spec, metadata: { ...object!.metadata, annotations: noted } };
      return server.write(wanted, { owner });
    };
    await server.write(wanted, { owner });
    const shared = frozen(server.object!.spec!);
    const [hash] = server.object!.metadata.annotations![annotations.written]!.split(' ');
    assert.equal(await written(shared), 'unchanged');
    assert.equal(await written(shared, 'other'), 'unchanged');
    // Nobody has said of these that we wrote no more; to be asked once more is no answer.
    const unseen = frozen({ ...shared, more: 1 });
    for (const again of [1, 2]) assert.equal(await written(unseen, 'other'), 'updated', String(again));
    // What can be changed is another thing each time.
    const own = { ...shared };
    assert.equal(await written(own, hash), 'unchanged');
    assert.equal(await written(own, 'other'), 'updated');
  });

  it('waits for an object that is being deleted', async () => {
    const server = new Server();
    server.object = thing({ a: 0 }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    assert.equal(await server.write(thing({ a: 1 })), 'terminating');
    assert.equal(server.writes, 0);
  });

  it('takes over from an owner of the same name that was made anew', async () => {
    const server = new Server();
    await server.write(thing({ a: 1 }), { owner });
    const anew = { ...owner, uid: 'uid-2' };
    assert.equal(await server.write(thing({ a: 1 }), { owner: anew }), 'updated');
    assert.deepEqual(
      server.object!.metadata.ownerReferences?.map(({ uid }) => uid),
      ['uid-2'],
    );
    assert.equal(await server.write(thing({ a: 1 }), { owner: anew }), 'unchanged');
  });

  it('writes over the version that was cached, and leaves the status to its owner', async () => {
    let sent: Thing | undefined;
    const client = fakeClient({
      replace: async (_resource, object) => {
        sent = object as unknown as Thing;
        return object;
      },
    });
    const present: Thing = { ...thing({ a: 0 }, { uid: 'u', resourceVersion: '41' }), status: { ready: 1 } };
    await writeOwned(client, things, { present, wanted: thing({ a: 1 }) });
    assert.equal(sent?.metadata.resourceVersion, '41');
    assert.equal(sent?.metadata.uid, 'u');
    assert.deepEqual(sent?.status, { ready: 1 });
    assert.deepEqual(present.spec, { a: 0 });
  });
});
