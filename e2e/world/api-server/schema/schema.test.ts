import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyDefaults } from './defaults.ts';
import { prune } from './prune.ts';
import { Rules } from './rules.ts';
import type { Rule, Schema } from './schema.ts';
import { structuralCauses } from './structural.ts';
import { schemaCauses } from './validate.ts';

const schema: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        a: { type: 'string', default: 'x' },
        b: { type: 'object', properties: { c: { type: 'integer', default: 1 } } },
        list: { type: 'array', items: { type: 'object', properties: { d: { type: 'boolean', default: true } } } },
        map: { type: 'object', additionalProperties: { type: 'object', properties: { e: { type: 'string' } } } },
        open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { f: { type: 'object' } } },
      },
    },
  },
};

const names = ['spec', 'a', 'b', 'c', 'd', 'e', 'f', 'list', 'map', 'open', 'z'];
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<unknown>('x', 1, true, null),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}));
const document = fc.dictionary(fc.constantFrom(...names), value, { noNullPrototype: true });

describe('pruning and defaulting by schema', () => {
  it('are done once and for all: a second time changes nothing', () => {
    fc.assert(
      fc.property(document, (object) => {
        prune(object, schema);
        applyDefaults(object, schema);
        const once = structuredClone(object);
        assert.deepEqual(prune(object, schema), []);
        applyDefaults(object, schema);
        assert.deepEqual(object, once);
      }),
    );
  });

  it('name every field that they drop, with its path', () => {
    const object = {
      kind: 'X',
      metadata: { any: 1 },
      spec: { a: 'y', z: 1, b: { z: 1 }, list: [{ z: 1 }], map: { k: { e: '1', z: 1 } }, open: { z: 1, f: { z: 1 } } },
    };
    const dropped = ['spec.z', 'spec.b.z', 'spec.list[0].z', 'spec.map.k.z', 'spec.open.f.z'];
    assert.deepEqual(prune(object, schema), dropped);
    const kept = { a: 'y', b: {}, list: [{}], map: { k: { e: '1' } }, open: { z: 1, f: {} } };
    assert.deepEqual(object, { kind: 'X', metadata: { any: 1 }, spec: kept });
  });

  it('make no object for the sake of the defaults in it', () => {
    const object = { spec: { list: [{}, { d: false }], a: null } };
    applyDefaults(object, schema);
    assert.deepEqual(object, { spec: { a: 'x', list: [{ d: true }, { d: false }] } });
  });
});

describe('schema checks', () => {
  const cases: [string, unknown, Schema, string | undefined][] = [
    ['whole numbers are numbers', 1, { type: 'number' }, undefined],
    ['fractions are no integers', 1.5, { type: 'integer' }, 'must be of type integer: "number"'],
    ['null where it is allowed', null, { type: 'string', nullable: true }, undefined],
    ['exclusive bounds', 3, { type: 'integer', maximum: 3, exclusiveMaximum: true }, 'should be less than 3'],
    ['lengths count characters, not code units', '😀', { type: 'string', maxLength: 1 }, undefined],
    ['times', 'yesterday', { type: 'string', format: 'date-time' }, 'must be of type date-time'],
    ['lists that are sets', ['a', 'a'], { type: 'array', 'x-kubernetes-list-type': 'set' }, 'Duplicate value: "a"'],
    ['one of', 5, { oneOf: [{ type: 'integer' }, { minimum: 3 }] }, 'Found 2 valid'],
    ['not', {}, { not: { type: 'object' } }, 'must not validate the schema'],
    ['few properties', {}, { type: 'object', minProperties: 1 }, 'should have at least 1 properties'],
  ];
  for (const [what, given, against, expected] of cases) {
    it(`${what}: ${expected ?? 'allowed'}`, () => {
      const texts = schemaCauses(given, against, 'at').map(({ message }) => message);
      if (expected === undefined) assert.deepEqual(texts, []);
      else assert.ok(texts[0]?.includes(expected), texts.join());
    });
  }
});

describe('rules', () => {
  const rooted = (rule: Rule, more: Schema = {}): Rules =>
    new Rules({
      type: 'object',
      properties: { spec: { type: 'object', 'x-kubernetes-validations': [rule], ...more } },
    });
  const textOf = (rules: Rules, spec: unknown, before?: unknown) =>
    rules.causes({ spec }, before === undefined ? undefined : { spec: before })[0];

  it('give message, reason and path as the definition asks', () => {
    const rules = rooted({ rule: 'false', message: 'no', reason: 'FieldValueForbidden', fieldPath: '.inner' });
    assert.deepEqual(textOf(rules, {}), {
      reason: 'FieldValueForbidden',
      message: 'Forbidden: no',
      field: 'spec.inner',
    });
    assert.match(textOf(rooted({ rule: 'false' }), {})?.message ?? '', /failed rule: false/);
  });

  it('that read what is not there fail, and say so', () => {
    const cause = textOf(rooted({ rule: 'self.gone == 1', message: 'needs gone' }), {});
    assert.match(cause?.message ?? '', /No such key: gone evaluating rule: needs gone/);
  });

  it('compare integers as integers, and see escaped names', () => {
    const properties = { count: { type: 'integer' }, 'in-tree': { type: 'boolean' }, namespace: { type: 'string' } };
    const rule = "self.count / 2 == 1 && self.in__dash__tree && self.__namespace__ == 'x'";
    assert.equal(textOf(rooted({ rule }, { properties }), { count: 3, 'in-tree': true, namespace: 'x' }), undefined);
  });

  it('about changes run on changes only, item by item in keyed lists', () => {
    const items: Schema = {
      type: 'object',
      properties: { key: { type: 'string' }, value: { type: 'integer' } },
      'x-kubernetes-validations': [{ rule: 'self.value >= oldSelf.value', message: 'never less' }],
    };
    const keyed: Schema = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['key'] };
    const list: Schema = { type: 'array', items, ...keyed };
    const rules = new Rules({ type: 'object', properties: { list } });
    const before = { list: [{ key: 'a', value: 2 }] };
    const after = {
      list: [
        { key: 'new', value: 0 },
        { key: 'a', value: 1 },
      ],
    };
    assert.deepEqual(rules.causes(after, undefined), []);
    assert.deepEqual(
      rules.causes(after, before).map(({ field }) => field),
      ['list[1]'],
    );
  });
});

describe('structural schemas', () => {
  const cases: [string, Schema, string][] = [
    ['a list without items', { type: 'array' }, 's.items'],
    [
      'properties beside additionalProperties',
      { type: 'object', properties: {}, additionalProperties: true },
      'mutual',
    ],
    ['a rule that does not compile', { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.+' }] }, 'rule'],
    ['a rule that gives no bool', { type: 'string', 'x-kubernetes-validations': [{ rule: '1 + 1' }] }, 'bool'],
    ['a pattern that RE2 refuses', { type: 'string', pattern: '(?=a)' }, 'pattern'],
    ['a type in anyOf', { type: 'object', anyOf: [{ type: 'object' }] }, 'anyOf[0].type'],
    [
      'a key that may be absent',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: { type: 'string' } } },
      },
      'must have a default or be a required property',
    ],
  ];
  for (const [what, broken, expected] of cases) {
    it(`refuse ${what}`, () => {
      const texts = structuralCauses(broken, 's').map(({ field, message }) => `${field}: ${message}`);
      assert.ok(texts.join('\n').includes(expected), texts.join('\n'));
    });
  }
});
