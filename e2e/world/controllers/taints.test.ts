import assert from 'node:assert/strict';
import type { Node } from '../../../shared/kube/object.ts';
import { wantedTaints } from './node-taints.ts';
import { evictionDelayMs } from './taint-eviction-delay.ts';
import { type Taint, type Toleration, tolerates } from './taints.ts';

const noExecute = (key: string, value?: string): Taint => ({ key, effect: 'NoExecute', ...(value && { value }) });

describe('tolerations', () => {
  const cases: [Toleration, boolean][] = [
    [{ operator: 'Exists' }, true],
    [{ key: 'k', operator: 'Exists' }, true],
    [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }, false],
    [{ key: 'k', value: 'v' }, true],
    [{ key: 'k', operator: 'Equal', value: 'w' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
  ];
  for (const [toleration, expected] of cases) {
    it(`${JSON.stringify(toleration)} ${expected ? 'covers' : 'does not cover'} k=v:NoExecute`, () => {
      assert.equal(tolerates(toleration, noExecute('k', 'v')), expected);
    });
  }
});

describe('how long a pod may stay under taints', () => {
  const forAWhile = (seconds: number): Toleration => ({ key: 'k', operator: 'Exists', tolerationSeconds: seconds });
  const cases: [string, Taint[], Toleration[], number | undefined][] = [
    ['for ever without NoExecute', [{ key: 'k', effect: 'NoSchedule' }], [], undefined],
    ['not at all untolerated', [noExecute('k')], [], 0],
    ['for ever when tolerated without a time', [noExecute('k')], [{ key: 'k', operator: 'Exists' }], undefined],
    ['for its seconds', [noExecute('k')], [forAWhile(300)], 300_000],
    ['for the shortest of several', [noExecute('k')], [forAWhile(300), forAWhile(20)], 20_000],
    ['not at all when one of two is untolerated', [noExecute('k'), noExecute('l')], [forAWhile(300)], 0],
  ];
  for (const [what, taints, tolerations, expected] of cases) {
    it(what, () => assert.equal(evictionDelayMs(taints, tolerations), expected));
  }
});

describe('taints by condition', () => {
  const node = (status: string, spec: Node['spec'] = {}): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n' },
    spec,
    status: { conditions: [{ type: 'Ready', status }] },
  });
  const shown = (taints: readonly Taint[]) => taints.map(({ key, effect }) => `${key}:${effect}`);
  const now = '2026-01-01T00:00:00Z';

  it('a node that is not ready, unreachable or cordoned is tainted as Kubernetes does it', () => {
    const both = (key: string) => [`node.kubernetes.io/${key}:NoSchedule`, `node.kubernetes.io/${key}:NoExecute`];
    assert.deepEqual(shown(wantedTaints(node('True'), now)), []);
    assert.deepEqual(shown(wantedTaints(node('False'), now)), both('not-ready'));
    assert.deepEqual(shown(wantedTaints(node('Unknown'), now)), both('unreachable'));
    const cordoned = node('True', { unschedulable: true });
    assert.deepEqual(shown(wantedTaints(cordoned, now)), ['node.kubernetes.io/unschedulable:NoSchedule']);
  });

  it('taints of others stay, present ones keep time and place, and those that ended go', () => {
    const foreign = { key: 'mine', effect: 'NoSchedule' };
    const before = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', timeAdded: '2025-01-01T00:00:00Z' };
    const taints = [before, foreign];
    const [first, second, third] = wantedTaints(node('False', { taints }), now);
    assert.deepEqual([first, second], [before, foreign]);
    assert.equal(third?.effect, 'NoSchedule');
    assert.deepEqual(wantedTaints(node('True', { taints }), now), [foreign]);
  });
});
