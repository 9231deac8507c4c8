import assert from 'node:assert/strict';
import type { Node, Pod } from '../../../shared/kube/object.ts';
import { refusalOf } from './admission.ts';

const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { kernel: '5.14', zone: '7' } },
  spec: {
    taints: [
      { key: 'gone', value: 'soon', effect: 'NoExecute' },
      { key: 'busy', effect: 'NoSchedule' },
    ],
  },
};
const tolerations = [{ key: 'gone', operator: 'Exists' }];

function reasonFor(spec: Partial<Pod['spec']>): string | undefined {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [], tolerations, ...spec },
  };
  return refusalOf(pod, node)?.reason;
}

function affinity(...requirements: { key: string; operator: string; values?: string[] }[]): Partial<Pod['spec']> {
  const nodeSelectorTerms = [{ matchExpressions: requirements }];
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } };
}

describe('Admission by the kubelet stand-in', () => {
  const table: [string, Partial<Pod['spec']>, string | undefined][] = [
    ['a pod whose selector matches', { nodeSelector: { kernel: '5.14' } }, undefined],
    ['a pod whose selector names another kernel', { nodeSelector: { kernel: '6.1' } }, 'NodeAffinity'],
    ['an affinity that matches', affinity({ key: 'kernel', operator: 'In', values: ['6.1', '5.14'] }), undefined],
    ['an affinity that does not', affinity({ key: 'kernel', operator: 'NotIn', values: ['5.14'] }), 'NodeAffinity'],
    ['numbers compared', affinity({ key: 'zone', operator: 'Gt', values: ['6'] }), undefined],
    ['a label that must be absent', affinity({ key: 'zone', operator: 'DoesNotExist' }), 'NodeAffinity'],
    ['a term that says nothing', affinity(), 'NodeAffinity'],
    ['a pod that does not tolerate NoExecute', { tolerations: [] }, 'TaintToleration'],
    ['a toleration of another value', { tolerations: [{ key: 'gone', value: 'late' }] }, 'TaintToleration'],
    ['a toleration of everything', { tolerations: [{ operator: 'Exists' }] }, undefined],
  ];
  for (const [what, spec, expected] of table) {
    it(`${expected === undefined ? 'takes' : 'refuses'} ${what}`, () => {
      assert.equal(reasonFor(spec), expected);
    });
  }

  it('gives the words that kubelet writes into the status', () => {
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [], nodeSelector: { kernel: 'x' } },
    };
    assert.equal(
      refusalOf(pod, node)?.message,
      "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    );
  });
});
