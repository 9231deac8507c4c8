import assert from 'node:assert/strict';
import { builtInKinds } from '../kinds/built-in.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

const object = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', labels: { app: 'x', 'example.com/tier': 'a', empty: '' } },
  spec: { nodeName: 'n1' },
};
const podKind = builtInKinds().find(({ plural }) => plural === 'pods')!;

describe('label selectors', () => {
  const cases: [string, boolean][] = [
    ['app=x', true],
    ['app==x', true],
    ['app = x', true],
    ['app!=x', false],
    ['other!=x', true],
    ['app in (x,y)', true],
    ['app in (y, z)', false],
    ['app notin (y)', true],
    ['other notin (y)', true],
    ['example.com/tier', true],
    ['!example.com/tier', false],
    ['!other,app', true],
    ['empty=', true],
    ['app in (x, y),empty,example.com/tier=a', true],
    ['app in (x, y),empty,example.com/tier=b', false],
  ];
  for (const [text, expected] of cases) {
    it(`${text} ${expected ? 'selects' : 'leaves'} it`, () =>
      assert.equal(parseLabelSelector(text)?.(object), expected));
  }

  it('that say nothing select everything, and nonsense is refused', () => {
    assert.equal(parseLabelSelector(''), undefined);
    for (const text of ['a b', 'a in x', '=x', 'a=b=c', 'a in (b']) {
      assert.throws(() => parseLabelSelector(text), { code: 400 }, text);
    }
  });
});

describe('field selectors', () => {
  const cases: [string, boolean][] = [
    ['metadata.name=p', true],
    ['metadata.name=p,metadata.namespace!=n', false],
    ['spec.nodeName=n1', true],
    ['spec.nodeName!=', true],
    ['status.phase=', true],
  ];
  for (const [text, expected] of cases) {
    it(`${text} ${expected ? 'selects' : 'leaves'} it`, () => {
      assert.equal(parseFieldSelector(podKind, text)?.(object), expected);
    });
  }

  it('of other fields are refused, as is nonsense', () => {
    for (const text of ['spec.containers=1', 'metadata.name']) {
      assert.throws(() => parseFieldSelector(podKind, text), { code: 400 });
    }
  });
});
