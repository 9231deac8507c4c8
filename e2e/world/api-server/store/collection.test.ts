import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { encodeList } from '../http/encode.ts';
import { builtInKinds } from '../kinds/built-in.ts';
import type { Write } from './collection.ts';
import { Store } from './store.ts';

const object = (name: string, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
});

describe('a collection', () => {
  it('lists in the order of keys, of one namespace or of all', () => {
    const collection = new Store(10).collection('/configmaps');
    for (const [name, namespace] of [
      ['b', 'x'],
      ['a', 'y'],
      ['a', 'x'],
    ] as const)
      collection.put(object(name, namespace));
    assert.deepEqual(
      collection.list().map(({ key }) => key),
      ['x/a', 'x/b', 'y/a'],
    );
    assert.deepEqual(
      collection.list('y').map(({ key }) => key),
      ['y/a'],
    );
  });

  it('gives one rising revision to all collections of a store', () => {
    const store = new Store(10);
    const revisions = ['/a', '/b', '/a'].map((key) => store.collection(key).put(object('x')).revision);
    assert.deepEqual(revisions, [2, 3, 4]);
  });

  it('replays any history that it still has to exactly what is there, and refuses the rest', () => {
    const change = fc.record({ name: fc.nat(15).map(String), remove: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        (changes, from) => {
          const collection = new Store(8).collection('/configmaps');
          const states = new Map<number, string[]>([[1, []]]);
          for (const { name, remove } of changes) {
            const present = collection.get('default', name);
            if (remove && !present) continue;
            const { revision } = remove ? collection.remove(present!) : collection.put(object(name));
            states.set(
              revision,
              collection.list().map(({ key, revision: at }) => `${key}@${at}`),
            );
          }
          const known = states.get(from);
          if (known === undefined) return;
          const replayed = new Map(known.map((text) => text.split('@') as [string, string]));
          const apply = (write: Write) => {
            if (write.removed) replayed.delete(write.current.key);
            else replayed.set(write.current.key, String(write.revision));
          };
          try {
            for (const write of collection.writesSince(from)) apply(write);
          } catch (error) {
            assert.equal((error as { code?: number }).code, 410);
            assert.ok(states.size > 8, 'only a history longer than the bound is forgotten');
            return;
          }
          const now = collection
            .list()
            .map(({ key, revision }) => `${key}@${revision}`)
            .sort();
          assert.deepEqual([...replayed].map(([key, revision]) => `${key}@${revision}`).sort(), now);
        },
      ),
    );
  });

  it('lists 10,000 objects in less than half a second', () => {
    const store = new Store(10_000);
    const collection = store.collection('/configmaps');
    for (let index = 0; index < 10_000; index++) {
      const { metadata, ...rest } = object(`object-${index}`, `namespace-${index % 100}`);
      const labels = { app: 'module', cluster: `cluster-${index}` };
      collection.put({ ...rest, metadata: { ...metadata, labels }, spec: { text: 'x'.repeat(1000), list: [1, 2, 3] } });
    }
    const kind = builtInKinds().find(({ plural }) => plural === 'configmaps')!;
    const began = performance.now();
    const text = encodeList(kind, { items: collection.list(), revision: store.revision });
    const ms = performance.now() - began;
    assert.ok(ms < 500, `took ${ms} ms`);
    assert.ok(text.length > 10_000_000);
  });
});
