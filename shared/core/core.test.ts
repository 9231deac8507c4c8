import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AssertionError, assert as assertInvariant } from './assert.ts';
import { rfc3339, scaledClock, sleep, systemClock } from './clock.ts';
import { shortened, withConditions } from './conditions.ts';
import { canonicalJson, contentHash, jsonText, lastingHash, rememberText, sameJson } from './hash.ts';
import { after, done, soonest } from './outcome.ts';

describe('canonicalJson', () => {
  it('does not depend on the order in which keys were set', () => {
    assert.equal(canonicalJson({ b: 1, a: { d: [2, 1], c: 'x' } }), '{"a":{"c":"x","d":[2,1]},"b":1}');
  });

  it('leaves undefined members out, as JSON does', () => {
    assert.equal(contentHash({ a: 1, b: undefined }), contentHash({ a: 1 }));
  });

  it('reads back as the same value, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('is the same text for two values exactly when they are the same JSON', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('a', '1', '02'), fc.option(fc.nat(1), { nil: undefined })),
    );
    fc.assert(
      fc.property(value, value, (a, b) => {
        assert.equal(sameJson(a, b), canonicalJson(a) === canonicalJson(b));
        assert.ok(sameJson(a, JSON.parse(canonicalJson(a))));
      }),
    );
  });

  it('has keys that are numbers first, in their order, as every hash that was ever written', () => {
    assert.equal(canonicalJson({ b: 1, '10': 2, '9': 3, '01': 4 }), '{"9":3,"10":2,"01":4,"b":1}');
  });

  it('is hashed once for an object that lasts', () => {
    const spec = Object.freeze({ b: 1, a: 2 });
    assert.deepEqual([lastingHash(spec), lastingHash(spec)], [contentHash(spec), contentHash(spec)]);
  });

  it('is what is sent of a member whose text is kept; all else is sent as JSON.stringify has it', () => {
    const spec = rememberText(Object.freeze({ b: 1, a: [{ d: 'é"', c: null }] }));
    assert.equal(jsonText({ z: 1, spec, gone: undefined }), '{"z":1,"spec":{"a":[{"c":null,"d":"é\\""}],"b":1}}');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(jsonText(value), JSON.stringify(value));
      }),
    );
  });

  it('gives different values different hashes', () => {
    assert.notEqual(contentHash({ a: [1, 2] }), contentHash({ a: [2, 1] }));
    assert.match(contentHash({}), /^[0-9a-f]{16}$/);
  });
});

describe('withConditions', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'AllLoaded', message: 'm' } as const;
  const before = { ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' };

  it('keeps the time of transition while the status stays, whatever else changes', () => {
    const [condition] = withConditions([before], [{ ...ready, reason: 'Other' }], '2026-02-02T00:00:00Z');
    assert.deepEqual(condition, { ...before, reason: 'Other' });
  });

  it('sets a new time when the status changes', () => {
    const [condition] = withConditions([before], [{ ...ready, status: 'False' }], '2026-02-02T00:00:00Z');
    assert.equal(condition?.lastTransitionTime, '2026-02-02T00:00:00Z');
  });

  it("leaves another owner's conditions alone", () => {
    const foreign = { ...before, type: 'Theirs' };
    assert.deepEqual(withConditions([foreign], [ready], '2026-02-02T00:00:00Z').at(-1), foreign);
  });

  it('bounds the message', () => {
    const [condition] = withConditions([], [{ ...ready, message: 'x'.repeat(5000) }], '');
    assert.equal(condition?.message.length, 1024);
    assert.equal(shortened('abc', 3), 'abc');
    assert.equal(shortened('abcd', 3), 'ab…');
  });
});

describe('soonest', () => {
  it('looks again at the earliest time that anybody asked for', () => {
    assert.deepEqual(soonest([done, after(50, 'b'), after(20, 'a')]), after(20, 'a'));
    assert.deepEqual(soonest([done]), done);
    assert.deepEqual(soonest([]), done);
  });
});

describe('assert', () => {
  it('names the broken invariant', () => {
    assert.throws(() => assertInvariant(false, 'one is two'), new AssertionError('one is two'));
  });
});

describe('clocks', () => {
  it('a scaled clock shortens waiting and stretches what it tells alike', async () => {
    const clock = scaledClock(systemClock, 1000);
    const [nowMs, passedMs] = [clock.now(), clock.passed()];
    await sleep(clock, 20_000);
    assert.ok(clock.now() - nowMs >= 19_000);
    assert.ok(clock.passed() - passedMs >= 19_000);
  });

  it('a sleep ends when its signal does', async () => {
    const abort = new AbortController();
    const sleeping = sleep(systemClock, 1e9, abort.signal);
    abort.abort();
    await sleeping;
    await sleep(systemClock, 1e9, abort.signal);
  });

  it('times are written as Kubernetes writes them', () => {
    assert.equal(rfc3339(Date.UTC(2026, 10, 23, 1, 2, 3, 456)), '2026-11-23T01:02:03Z');
  });
});
