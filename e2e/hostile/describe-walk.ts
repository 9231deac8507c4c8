import assert from 'node:assert/strict';
import { ourKind } from './kinds.ts';
import { type Count, walk } from './walk.ts';

type Kind = ReturnType<typeof ourKind>;

export interface HostileWalk {
  readonly kind: 'ManagedClusterModule' | 'Module';
  /** Ends the sentence `is refused with its field, or`. */
  readonly otherwise: string;
  /** What is made of an object that was admitted: its status. Throws when any of it is not as it must be. */
  statusOf(admitted: Parameters<Parameters<typeof walk>[1]>[0]): Parameters<Kind['statusCauses']>[0];
}

/** The tests of hostile texts at every place of a kind. */
export function describeWalk({ kind: name, otherwise, statusOf }: HostileWalk): void {
  describe(`a hostile text anywhere in a ${name}`, () => {
    const kind = ourKind(name);
    let count: Count;

    it(`is refused with its field, or ${otherwise}`, () => {
      count = walk(kind, (admitted) => assert.deepEqual(kind.statusCauses(statusOf(admitted)), []));
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
}
