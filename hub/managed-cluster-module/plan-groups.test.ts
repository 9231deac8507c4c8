import assert from 'node:assert/strict';
import type { KernelPlan } from './kernel-plan.ts';
import { planGroups } from './plan-groups.ts';
import type { ClusterRecord } from './records.ts';

const plan = (kernel: string) => ({ kernel }) as KernelPlan;
const record = (cluster: string, ...plans: KernelPlan[]) => ({ cluster, plans }) as unknown as ClusterRecord;

describe('clusters by their plans', () => {
  it('are counted together exactly where all plans are the same, and named by the first', () => {
    const [a, b] = [plan('5.14.0-1'), plan('6.1.0-1')];
    const fleet = [record('c1', a), record('c2', b), record('c3', a, b), record('c4', a), record('c5', a, b)];
    const groups = planGroups([...fleet, record('c6', b, a), record('c7'), record('c8', plan('5.14.0-1'))]);
    assert.deepEqual(
      groups.map(({ plans, clusters, exampleCluster }) => [
        plans.map(({ kernel }) => kernel),
        clusters,
        exampleCluster,
      ]),
      [
        [['5.14.0-1'], 2, 'c1'],
        [['6.1.0-1'], 1, 'c2'],
        [['5.14.0-1', '6.1.0-1'], 2, 'c3'],
        [['6.1.0-1', '5.14.0-1'], 1, 'c6'],
        [['5.14.0-1'], 1, 'c8'],
      ],
    );
  });
});
