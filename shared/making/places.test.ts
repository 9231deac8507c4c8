import assert from 'node:assert/strict';
import { Places, type PlacesUser } from './places.ts';

function user(overrides: Partial<PlacesUser> = {}): PlacesUser {
  return { isSynced: () => true, running: () => 0, isBusy: () => false, lookAtQueued: () => undefined, ...overrides };
}

describe('the places for Jobs', () => {
  it('are counted over all namespaces together', () => {
    const places = new Places(3);
    places.join(user({ running: () => 2 }));
    assert.equal(places.isFree(), true);
    const leave = places.join(user({ running: () => 1 }));
    assert.equal(places.isFree(), false);
    leave();
    assert.equal(places.isFree(), true);
  });

  it('are given to nobody before all is seen that may have one', () => {
    let isComplete = false;
    const places = new Places(3, () => isComplete);
    assert.equal(places.isFree(), false);
    isComplete = true;
    assert.equal(places.isFree(), true);
    places.join(user({ isSynced: () => false }));
    assert.equal(places.isFree(), false);
  });

  it('are never two for one image, whose name is the same in every namespace [163] [T8]', () => {
    const places = new Places(3);
    const [first, second] = [user({ isBusy: (image) => image === 'a' }), user()];
    places.join(first);
    places.join(second);
    assert.deepEqual(
      [first, second].map((each) => places.isTaken('a', each)),
      [false, true],
    );
    assert.equal(places.isTaken('b', second), false);
  });

  it('are told of when one is free, also of who leaves', () => {
    const looked: string[] = [];
    const places = new Places(3);
    const leave = places.join(user({ lookAtQueued: () => looked.push('first') }));
    places.join(user({ lookAtQueued: () => looked.push('second') }));
    places.freed();
    leave();
    assert.deepEqual(looked, ['first', 'second', 'second']);
  });
});
