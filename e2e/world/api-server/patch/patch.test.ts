import assert from 'node:assert/strict';
import fc from 'fast-check';
import jsonPatchLibrary from 'fast-json-patch';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic-merge-patch.ts';

// What JSON keeps, without the names that JavaScript treats in its own way.
const json = fc
  .json({ maxDepth: 3 })
  .filter((text) => !text.includes('__proto__'))
  .map((text) => JSON.parse(text) as unknown);

const record = fc.dictionary(fc.string(), json, { noNullPrototype: true });

describe('JSON patch', () => {
  it('carries out what the reference library finds as the difference', () => {
    fc.assert(
      fc.property(record, record, (from, to) => {
        const [before, after] = [JSON.parse(JSON.stringify(from)), JSON.parse(JSON.stringify(to))];
        fc.pre(!JSON.stringify([before, after]).includes('__proto__'));
        assert.deepEqual(jsonPatch(before, jsonPatchLibrary.compare(before, after)), after);
        assert.deepEqual(before, JSON.parse(JSON.stringify(from)));
      }),
    );
  });

  const cases: [string, unknown, unknown][] = [
    ['adds to the end of a list', [{ op: 'add', path: '/list/-', value: 3 }], { list: [1, 2, 3] }],
    ['adds into a list', [{ op: 'add', path: '/list/0', value: 3 }], { list: [3, 1, 2] }],
    ['moves', [{ op: 'move', from: '/list/0', path: '/first' }], { list: [2], first: 1 }],
    ['copies', [{ op: 'copy', from: '/list', path: '/twin' }], { list: [1, 2], twin: [1, 2] }],
    ['tests absence as null', [{ op: 'test', path: '/gone', value: null }], { list: [1, 2] }],
  ];
  for (const [what, patch, expected] of cases) {
    it(what, () => assert.deepEqual(jsonPatch({ list: [1, 2] }, patch), expected));
  }

  const refused: [unknown, number][] = [
    [{}, 400],
    [[{ op: 'add' }], 400],
    [[{ op: 'grow', path: '/a' }], 400],
    [[{ op: 'add', path: 'a', value: 1 }], 400],
    [[{ op: 'add', path: '/no/parent', value: 1 }], 422],
    [[{ op: 'replace', path: '/gone', value: 1 }], 422],
    [[{ op: 'remove', path: '/list/2' }], 422],
    [[{ op: 'test', path: '/list/0', value: 2 }], 422],
  ];
  for (const [patch, code] of refused) {
    it(`refuses ${JSON.stringify(patch)} with ${code}`, () => {
      assert.throws(() => jsonPatch({ list: [1] }, patch), { code });
    });
  }
});

describe('merge patch', () => {
  it('of an object with itself changes nothing, and null removes', () => {
    assert.deepEqual(mergePatch({ a: { b: 1, c: [1] } }, { a: { b: 1, c: [1] } }), { a: { b: 1, c: [1] } });
    assert.deepEqual(mergePatch({ a: { b: 1, c: 2 } }, { a: { b: null }, d: { e: null, f: 1 } }), {
      a: { c: 2 },
      d: { f: 1 },
    });
    assert.deepEqual(mergePatch({ a: [1, 2] }, { a: [3] }), { a: [3] });
  });

  it('never leaves a null that it was given', () => {
    fc.assert(
      fc.property(record, record, (target, patch) => {
        const merged = mergePatch(target, patch) as Record<string, unknown>;
        for (const [name, value] of Object.entries(patch))
          if (value === null) assert.equal(Object.hasOwn(merged, name), false);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const target = {
    spec: {
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '1' },
      ],
      tolerations: [{ key: 'x' }],
    },
  };
  const cases: [string, unknown, unknown][] = [
    [
      'merges items by their key',
      { spec: { containers: [{ name: 'b', image: '2' }, { name: 'c' }] } },
      [{ name: 'a', image: '1' }, { name: 'b', image: '2' }, { name: 'c' }],
    ],
    ['removes an item', { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }, [{ name: 'b', image: '1' }]],
    ['replaces a list', { spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } }, [{ name: 'z' }]],
    [
      'orders a list',
      {
        spec: {
          containers: [{ name: 'c' }],
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }],
        },
      },
      [{ name: 'c' }, { name: 'b', image: '1' }, { name: 'a', image: '1' }],
    ],
  ];
  for (const [what, patch, expected] of cases) {
    it(what, () => {
      const merged = strategicMergePatch(target, patch) as typeof target;
      assert.deepEqual(merged.spec.containers, expected);
      assert.deepEqual(merged.spec.tolerations, [{ key: 'x' }]);
    });
  }

  it('merges finalizers as a set, replaces other lists, and removes by null', () => {
    const before = { finalizers: ['a'], list: [1], gone: 1 };
    const patch = { finalizers: ['b'], list: [2], gone: null };
    assert.deepEqual(strategicMergePatch(before, patch, 'metadata'), { finalizers: ['a', 'b'], list: [2] });
    const removal = { '$deleteFromPrimitiveList/finalizers': ['a'] };
    assert.deepEqual(strategicMergePatch(before, removal), { ...before, finalizers: [] });
  });
});
