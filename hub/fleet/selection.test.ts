import assert from 'node:assert/strict';
import fc from 'fast-check';
import { labelIndexes, selectorIndex, selects } from './selection.ts';

describe('selection of clusters', () => {
  const labels = { region: 'eu', tier: 'edge' };
  const table: { selector: Record<string, string>; selected: boolean }[] = [
    { selector: { region: 'eu' }, selected: true },
    { selector: { region: 'eu', tier: 'edge' }, selected: true },
    { selector: { region: 'us' }, selected: false },
    { selector: { region: 'eu', tier: 'core' }, selected: false },
    { selector: { region: 'eu', rack: '' }, selected: false },
    { selector: { region: 'EU' }, selected: false },
  ];
  for (const { selector, selected } of table) {
    it(`${JSON.stringify(selector)} ${selected ? 'selects' : 'does not select'} ${JSON.stringify(labels)} [141]`, () => {
      assert.equal(selects(selector, labels), selected);
    });
  }

  it('takes an empty selector for all clusters, also those without labels [220]', () => {
    assert.equal(selects({}, undefined), true);
    assert.equal(selects({}, labels), true);
    assert.ok(labelIndexes(undefined).includes(selectorIndex({})));
  });

  it('finds every selecting module through the index of one label', () => {
    const labelSet = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', '1', '2'));
    fc.assert(
      fc.property(labelSet, labelSet, (selector, clusterLabels) => {
        if (!selects(selector, clusterLabels)) return;
        assert.ok(labelIndexes(clusterLabels).includes(selectorIndex(selector)));
      }),
    );
  });
});
