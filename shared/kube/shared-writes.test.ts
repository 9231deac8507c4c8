import assert from 'node:assert/strict';
import fc from 'fast-check';
import fastJsonPatch from 'fast-json-patch';
import { fakeClient } from '../testing/fake-client.ts';
import type { Patch } from './client.ts';
import { isConflict, KubeError } from './errors.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import type { KubeObject, Resource } from './object.ts';
import { type Owner, ownerOf, ownership } from './ownership.ts';
import { jsonPointer, testedPatch } from './patch.ts';
import { mergePatch, writeStatus } from './status.ts';
import { UnknownMembers } from './unknown-members.ts';

type Thing = KubeObject & { status?: Record<string, unknown> };
const things: Resource<Thing> = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const thing = (metadata: object = {}, status?: Record<string, unknown>): Thing => ({
  apiVersion: 'g/v1',
  kind: 'Thing',
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', ...metadata },
  ...(status !== undefined && { status }),
});

/** A server that applies JSON patches as the real one does: a failed test is a 422. */
function server(object: Thing) {
  const patches: Patch[] = [];
  const state = { object };
  const client = fakeClient({
    patch: async (_resource, _at, patch) => {
      patches.push(patch);
      if (patch.type !== 'json') return state.object as never;
      try {
        const result = fastJsonPatch.applyPatch(state.object, [...patch.operations] as never, true, false);
        state.object = result.newDocument;
      } catch (error) {
        throw new KubeError(422, 'Invalid', String(error));
      }
      return state.object as never;
    },
  });
  return { client, state, patches };
}

describe('a finalizer', () => {
  it('is added once, beside those of others', async () => {
    for (const finalizers of [undefined, [], ['theirs']]) {
      const { client, state, patches } = server(thing({ ...(finalizers && { finalizers }) }));
      assert.equal(await addFinalizer(client, things, state.object, 'ours'), true);
      assert.deepEqual(state.object.metadata.finalizers, [...(finalizers ?? []), 'ours']);
      assert.equal(await addFinalizer(client, things, state.object, 'ours'), false);
      assert.equal(patches.length, 1);
    }
  });

  it('is not added to what is being deleted', async () => {
    const { client } = server(thing());
    const deleted = thing({ deletionTimestamp: '2026-01-01T00:00:00Z' });
    assert.equal(await addFinalizer(client, things, deleted, 'ours'), false);
  });

  it('is removed alone', async () => {
    const { client, state } = server(thing({ finalizers: ['theirs', 'ours', 'others'] }));
    assert.equal(await removeFinalizer(client, things, state.object, 'ours'), true);
    assert.deepEqual(state.object.metadata.finalizers, ['theirs', 'others']);
    assert.equal(await removeFinalizer(client, things, state.object, 'ours'), false);
  });

  it('is a conflict to add or remove when the object changed meanwhile', async () => {
    const { client } = server(thing({ finalizers: ['new', 'ours'], resourceVersion: '2' }));
    await assert.rejects(removeFinalizer(client, things, thing({ finalizers: ['ours'] }), 'ours'), isConflict);
    await assert.rejects(addFinalizer(client, things, thing({ finalizers: ['x'] }), 'mine'), isConflict);
    await assert.rejects(addFinalizer(client, things, thing(), 'mine'), isConflict);
    const other = thing({ finalizers: ['new', 'ours'], uid: 'another object' });
    await assert.rejects(removeFinalizer(client, things, other, 'ours'), isConflict);
  });

  it('need not be removed from what is gone', async () => {
    const client = fakeClient({ patch: () => Promise.reject(new KubeError(404, 'NotFound', 'gone')) });
    assert.equal(await removeFinalizer(client, things, thing({ finalizers: ['ours'] }), 'ours'), false);
  });
});

describe('a patch with a test', () => {
  it('escapes what a label key holds', () => {
    assert.equal(jsonPointer('metadata', 'labels', 'a.io/b~c', 0), '/metadata/labels/a.io~1b~0c/0');
  });

  it('fails with what the server says, unless that is the test', async () => {
    const client = fakeClient({ patch: () => Promise.reject(new KubeError(403, 'Forbidden', 'no')) });
    await assert.rejects(testedPatch(client, things, { at: { name: 'a' }, operations: [] }), /no/);
  });
});

describe('a status', () => {
  it('is not written when nothing differs', async () => {
    const { client, patches } = server(thing());
    const status = { count: 1, conditions: [{ type: 'Ready', status: 'True' }] };
    assert.equal(await writeStatus(client, things, thing({}, structuredClone(status)), status), false);
    assert.equal(patches.length, 0);
  });

  it('is written as what differs, with null for what vanished', async () => {
    const { client, patches } = server(thing());
    const present = thing({}, { count: 1, gone: 'x', nested: { a: 1, b: 2 }, list: [1, 2] });
    assert.equal(await writeStatus(client, things, present, { count: 1, nested: { a: 1, b: 3 }, list: [1] }), true);
    assert.deepEqual(patches, [{ type: 'merge', body: { status: { gone: null, nested: { b: 3 }, list: [1] } } }]);
  });

  it('is not written again for the sake of what the server drops, until its definition may know it', async () => {
    let nowMs = 0;
    const unknown = new UnknownMembers(() => nowMs);
    const bodies: unknown[] = [];
    const keeps = new Set(['count']);
    let present = thing({}, {});
    const client = fakeClient({
      patch(_resource, _at, patch) {
        assert.equal(patch.type, 'merge');
        const { status } = (patch as { body: { status: Record<string, unknown> } }).body;
        bodies.push(status);
        const kept = Object.entries({ ...present.status, ...status }).filter(([name]) => keeps.has(name));
        present = thing({}, Object.fromEntries(kept));
        return Promise.resolve(present as never);
      },
    });
    const write = (status: Record<string, unknown>) => writeStatus(client, things, present, status, unknown);
    assert.equal(await write({ count: 1, ours: 'a' }), true);
    assert.equal(await write({ count: 1, ours: 'b' }), false);
    assert.equal(await write({ count: 2, ours: 'b' }), true);
    assert.deepEqual(bodies, [{ count: 1, ours: 'a' }, { count: 2 }]);
    keeps.add('ours');
    nowMs += 60 * 60_000;
    assert.equal(await write({ count: 2, ours: 'c' }), true);
    assert.equal(await write({ count: 2, ours: 'c' }), false);
  });

  it('becomes exactly what is wanted, whatever it was', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), tie('list'), tie('record')),
      list: fc.array(tie('value'), { maxLength: 3 }),
      record: fc.dictionary(fc.stringMatching(/^[a-e]$/), tie('value'), { noNullPrototype: true }),
    })).record;
    fc.assert(
      fc.property(json, json, (present, wanted) => {
        const patch = mergePatch(present, wanted);
        assert.deepEqual(merge(structuredClone(present), patch ?? {}), wanted);
        assert.equal(mergePatch(wanted, wanted), undefined);
      }),
    );
  });

  it('is right about keys that every object of JavaScript seems to have', () => {
    assert.deepEqual(mergePatch(JSON.parse('{"constructor":"x","__proto__":"y","a":1}'), { a: 1 }), {
      ['constructor']: null,
      ['__proto__']: null,
    });
    const wanted = JSON.parse('{"__proto__":{"a":1},"toString":"b"}');
    assert.equal(JSON.stringify(mergePatch({}, wanted)), JSON.stringify(wanted));
  });
});

/** RFC 7386, section 2. */
function merge(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const record = target === null || typeof target !== 'object' || Array.isArray(target) ? {} : target;
  const result: Record<string, unknown> = { ...record };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

describe('ownership', () => {
  const owner: Owner = { apiVersion: 'g/v1', kind: 'Boss', name: 'boss', uid: 'uid-1' };
  const label = { 'our/label': 'boss' };
  const controlledBy = (other: Partial<Owner>, controller = true) => ({
    ownerReferences: [{ ...owner, ...other, controller }],
  });
  const table: { title: string; metadata: object; expected: string }[] = [
    { title: 'our UID as controller', metadata: controlledBy({}), expected: 'ours' },
    { title: 'our UID without the label', metadata: controlledBy({}), expected: 'ours' },
    { title: 'our label and no owner', metadata: { labels: label }, expected: 'adoptable' },
    {
      title: 'our label and our namesake as controller',
      metadata: { labels: label, ...controlledBy({ uid: 'old' }) },
      expected: 'adoptable',
    },
    {
      title: 'a namesake of another version',
      metadata: { labels: label, ...controlledBy({ uid: 'old', apiVersion: 'g/v2' }) },
      expected: 'adoptable',
    },
    {
      title: 'an owner that does not control',
      metadata: { labels: label, ...controlledBy({ name: 'x', uid: 'x' }, false) },
      expected: 'adoptable',
    },
    {
      title: 'a controller of another name',
      metadata: { labels: label, ...controlledBy({ name: 'x', uid: 'x' }) },
      expected: 'foreign',
    },
    {
      title: 'a namesake of another group',
      metadata: { labels: label, ...controlledBy({ uid: 'x', apiVersion: 'h/v1' }) },
      expected: 'foreign',
    },
    { title: 'no label', metadata: {}, expected: 'foreign' },
    { title: 'another label', metadata: { labels: { 'our/label': 'other' } }, expected: 'foreign' },
  ];
  for (const { title, metadata, expected } of table) {
    it(`is ${expected} with ${title}`, () => assert.equal(ownership(thing(metadata), owner, label), expected));
  }

  it('is read from a cached object', () => {
    assert.deepEqual(ownerOf(thing()), { apiVersion: 'g/v1', kind: 'Thing', name: 'a', uid: 'u' });
  });
});
