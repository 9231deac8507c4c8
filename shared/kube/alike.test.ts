import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Alike } from './alike.ts';

const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('objects that are alike', () => {
  it('say after it what they said before, whatever that is', () => {
    const alike = new Alike();
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        const value = copyOf(given);
        assert.deepEqual(alike.texts(value), value);
        assert.deepEqual(alike.part(value), value);
        assert.equal(JSON.stringify(alike.part(value)), JSON.stringify(value));
      }),
    );
  });

  it('share the parts that say the same, and nobody can change one for all', () => {
    const alike = new Alike();
    const [one, other] = [alike.part({ a: { b: [1] } }), alike.part({ a: { b: [1] } })];
    assert.equal(one, other);
    assert.throws(() => one.a.b.push(2), TypeError);
    assert.notEqual(alike.part({ a: { b: [2] } }), one);
  });

  it('share parts still after thousands of others, of which most are forgotten', () => {
    const alike = new Alike();
    const common = alike.part({ kernel: 'common' });
    for (let index = 0; index < 20_000; index += 1) {
      alike.part({ index });
      assert.equal(alike.part({ kernel: 'common' }), common);
    }
    const forgotten = { index: 0 };
    assert.equal(alike.part(forgotten), alike.part({ index: 0 }));
  });

  it('are left as they are where they are nested without end', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as object;
    assert.equal(new Alike().part(deep), deep);
    assert.equal(JSON.stringify(new Alike().texts({ deep })).length, '{"deep":}'.length + 10_000);
  });
});
