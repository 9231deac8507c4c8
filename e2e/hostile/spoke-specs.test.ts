import assert from 'node:assert/strict';
import type { Module } from '@open-cluster-management/api-types';
import { ourKind } from './kinds.ts';
import { lookOnSpoke } from './on-spoke.ts';
import { type Count, walk } from './walk.ts';

describe('a hostile text anywhere in a Module', () => {
  const kind = ourKind('Module');
  let count: Count;

  it('is refused with its field, or it is an argument or a variable of the pods and nothing else', () => {
    count = walk(kind, (admitted) => {
      const { status } = lookOnSpoke(admitted as unknown as Module);
      assert.deepEqual(kind.statusCauses(status), []);
    });
  });

  it('was both refused and taken, at hundreds of places', () => {
    assert.ok(kind.places.length > 400, `${kind.places.length} places`);
    assert.ok(count.refused > 1000 && count.admitted > 5000, JSON.stringify(count));
  });

  it('has left every other object as it was', () => {
    assert.deepEqual(Object.keys(Object.prototype), []);
    assert.equal(({} as Record<string, unknown>)['a'], undefined);
  });
});
