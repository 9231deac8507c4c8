import assert from 'node:assert/strict';
import { Records, unseen } from './records.ts';

describe('the records of a module', () => {
  it('are told by name, in whatever order clusters were looked at, also those that come later', () => {
    const records = new Records(() => undefined);
    const names = () => records.snapshot('m', 1)?.map(({ cluster }) => cluster);
    for (const cluster of ['c3', 'c1']) records.set('m', unseen(cluster, true));
    records.begin('m', 1);
    assert.deepEqual(names(), ['c1', 'c3']);
    records.set('m', unseen('c2', true));
    records.set('m', { ...unseen('c1', true), generation: 1 });
    assert.deepEqual(names(), ['c1', 'c2', 'c3']);
  });
});
