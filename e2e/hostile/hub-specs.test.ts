import assert from 'node:assert/strict';
import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { ourKind } from './kinds.ts';
import { lookOnHub } from './on-hub.ts';
import { type Count, walk } from './walk.ts';

describe('a hostile text anywhere in a ManagedClusterModule', () => {
  const kind = ourKind('ManagedClusterModule');
  let count: Count;

  it('is refused with its field, or it is data and nothing else: in the work, the status, events and tables', () => {
    count = walk(kind, (admitted) => {
      const { object } = lookOnHub(admitted as unknown as ManagedClusterModule);
      assert.deepEqual(kind.statusCauses(object.status), []);
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
