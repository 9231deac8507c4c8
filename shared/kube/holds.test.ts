import assert from 'node:assert/strict';
import fc from 'fast-check';
import { holds } from './holds.ts';
import { parseQuantity } from './quantity.ts';

const table: { title: string; present: unknown; wanted: unknown; expected: boolean }[] = [
  { title: 'equal leaves', present: { a: { b: 'x' } }, wanted: { a: { b: 'x' } }, expected: true },
  { title: 'another leaf', present: { a: 'x' }, wanted: { a: 'y' }, expected: false },
  { title: 'a missing leaf', present: {}, wanted: { a: 'y' }, expected: false },
  { title: 'keys that the server added', present: { a: 1, b: 2 }, wanted: { a: 1 }, expected: true },
  {
    title: 'empty values that the server left out',
    present: {},
    wanted: { a: [], b: {}, c: '', d: false, e: 0, f: null },
    expected: true,
  },
  { title: 'a value where none is wanted', present: { a: ['x'] }, wanted: { a: [] }, expected: false },
  { title: 'a defaulted true where false is wanted', present: { a: true }, wanted: { a: false }, expected: false },
  { title: 'a list with one item more', present: [1, 2], wanted: [1], expected: false },
  { title: 'a list in another order', present: [2, 1], wanted: [1, 2], expected: false },
  { title: 'defaults within items', present: [{ key: 'a', effect: '' }], wanted: [{ key: 'a' }], expected: true },
  {
    title: 'a sidecar that a webhook put in front',
    present: [{ name: 'mesh' }, { name: 'a', image: 'i' }],
    wanted: [{ name: 'a', image: 'i' }],
    expected: true,
  },
  {
    title: 'a named item that differs',
    present: [{ name: 'a', image: 'j' }],
    wanted: [{ name: 'a', image: 'i' }],
    expected: false,
  },
  { title: 'a named item that is gone', present: [{ name: 'b' }], wanted: [{ name: 'a' }], expected: false },
  {
    title: 'a quantity in canonical form',
    present: { limits: { cpu: '1' } },
    wanted: { limits: { cpu: '1000m' } },
    expected: true,
  },
  {
    title: 'a quantity given as a number',
    present: { requests: { cpu: '2' } },
    wanted: { requests: { cpu: 2 } },
    expected: true,
  },
  { title: 'binary quantities', present: { sizeLimit: '1Gi' }, wanted: { sizeLimit: '1024Mi' }, expected: true },
  {
    title: 'another quantity',
    present: { limits: { cpu: '1' } },
    wanted: { limits: { cpu: '1100m' } },
    expected: false,
  },
  {
    title: 'what looks like a quantity and is none',
    present: { value: '1' },
    wanted: { value: '1000m' },
    expected: false,
  },
  { title: 'a port as number and as text', present: { port: '8080' }, wanted: { port: 8080 }, expected: true },
  { title: 'a text where an object is wanted', present: { a: 'x' }, wanted: { a: { b: 1 } }, expected: false },
];

describe('whether what is wanted is there', () => {
  for (const { title, present, wanted, expected } of table) {
    it(`says ${expected ? 'yes' : 'no'} for ${title}`, () => assert.equal(holds(present, wanted), expected));
  }

  it('holds for anything in itself, and in itself with foreign keys', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (value) => {
        assert.equal(holds(value, value), true);
        assert.equal(holds({ ...value, 'a foreign key': 1 }, value), true);
      }),
    );
  });
});

describe('a resource quantity', () => {
  for (const [text, value] of [
    ['1', 1],
    ['500m', 0.5],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['2e3', 2000],
    ['1E', 1e18],
    ['-1k', -1000],
    ['.5', 0.5],
    ['3u', 3e-6],
  ] as const) {
    it(`${text} is ${value}`, () => assert.equal(parseQuantity(text), value));
  }
  for (const text of ['', 'm', '1 Gi', '1KiB', '0x10', '1..2', 'NaN']) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(parseQuantity(text), undefined));
  }
});
