import assert from 'node:assert/strict';
import { closedBy } from './taints.ts';
import { buildNode } from './testing/builders.ts';

const closed = (taints: { key: string; value?: string; effect: string }[], tolerations: object[] = []) =>
  closedBy(buildNode('n', { taints }), tolerations);

describe('a tainted node', () => {
  it('is closed to what does not tolerate it, by the stronger effect [2] [3]', () => {
    assert.equal(closed([]), undefined);
    assert.equal(closed([{ key: 'a', effect: 'NoSchedule' }]), 'NoSchedule');
    assert.equal(
      closed([
        { key: 'a', effect: 'NoSchedule' },
        { key: 'b', effect: 'NoExecute' },
      ]),
      'NoExecute',
    );
    assert.equal(closed([{ key: 'a', effect: 'PreferNoSchedule' }]), undefined);
  });

  it('is open when cordoned, under pressure or not Ready, as for any DaemonSet [3] [T27]', () => {
    for (const key of ['unschedulable', 'disk-pressure', 'memory-pressure', 'pid-pressure']) {
      assert.equal(closed([{ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule' }]), undefined, key);
    }
    for (const key of ['not-ready', 'unreachable']) {
      assert.equal(closed([{ key: `node.kubernetes.io/${key}`, effect: 'NoExecute' }]), undefined, key);
    }
  });

  const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  for (const [toleration, opens] of [
    [{ operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Exists' }, true],
    [{ key: 'gpu', operator: 'Equal', value: 'yes' }, true],
    [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }, true],
    [{ key: 'gpu', value: 'no' }, false],
    [{ key: 'gpu', value: 'yes', effect: 'NoExecute' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ value: 'yes' }, false],
  ] as const) {
    it(`is ${opens ? 'open' : 'closed'} to ${JSON.stringify(toleration)} [3]`, () => {
      assert.equal(closed([taint], [toleration]), opens ? undefined : 'NoSchedule');
    });
  }
});
