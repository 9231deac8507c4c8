import assert from 'node:assert/strict';
import { readField } from './field-value.ts';

const object = {
  status: { count: 0, text: '', on: false, list: [{ name: 'a' }], part: { a: 1 }, half: 0.5, none: null },
};

describe('a feedback path', () => {
  const values: [string, object][] = [
    ['.status.count', { type: 'Integer', integer: 0 }],
    ['.status.text', { type: 'String', string: '' }],
    ['.status.on', { type: 'Boolean', boolean: false }],
    ['.status.list[0].name', { type: 'String', string: 'a' }],
  ];
  for (const [path, value] of values) {
    it(`reads ${path}`, () => assert.deepEqual(readField(object, path), { kind: 'value', value }));
  }
  for (const path of [
    '.status.other',
    '.other.count',
    '.status.none',
    '.status.list[1].name',
    '.status.count.deeper',
  ]) {
    it(`gives no value and no error for ${path}, which is not there`, () => {
      assert.deepEqual(readField(object, path), { kind: 'missing' });
    });
  }
  for (const path of ['.status.part', '.status.list', '.status.half', 'status', '{.status.count}', '']) {
    it(`fails for ${path || 'an empty path'}`, () => assert.equal(readField(object, path).kind, 'failed'));
  }
});
