import assert from 'node:assert/strict';
import { frozen } from './frozen.ts';
import { lasting } from './lasting.ts';

describe('a question about two frozen objects', () => {
  const asked: [unknown, unknown][] = [];
  const same = lasting((a, b) => {
    asked.push([a, b]);
    return JSON.stringify(a) === JSON.stringify(b);
  });
  const [a, b, other] = [frozen({ a: 1 }), frozen({ a: 1 }), frozen({ a: 2 })];

  beforeEach(() => asked.splice(0));

  it('is asked once, of each pair', () => {
    for (let time = 0; time < 3; time += 1) assert.deepEqual([same(a, b), same(a, other)], [true, false]);
    assert.deepEqual(asked, [
      [a, b],
      [a, other],
    ]);
  });

  it('is asked each time of what may change, and of what is no object', () => {
    const open = { a: 1 };
    assert.deepEqual([same(open, b), same(a, open), same(1, 1), same(null, null)], [true, true, true, true]);
    open.a = 2;
    assert.deepEqual([same(open, b), same(a, open)], [false, false]);
    assert.equal(asked.length, 6);
  });
});
