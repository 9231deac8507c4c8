import assert from 'node:assert/strict';
import type { ClusterClaim } from '@open-cluster-management/api-types';
import { decide } from './decide.ts';

const name = 'kernel-versions.kmm.node.kubernetes.io';
const claim = (claimName: string): ClusterClaim =>
  ({
    apiVersion: 'cluster.open-cluster-management.io/v1alpha1',
    kind: 'ClusterClaim',
    metadata: { name: claimName },
    spec: { value: 'x' },
  }) as ClusterClaim;

describe('the kernel claims', () => {
  it('list the sorted unique releases as the nodes report them [165]', () => {
    const { wanted } = decide({ releases: ['6.1.0+', '5.14.0', '', '6.1.0+'], claims: [] });
    assert.deepEqual(wanted, [{ name, value: '5.14.0\n6.1.0+' }]);
  });

  it('are as many as needed; those that are not needed any more go, and no others [166]', () => {
    const many = Array.from({ length: 60 }, (_, index) => `6.${index}.0-${'x'.repeat(40)}`);
    assert.deepEqual(
      decide({ releases: many, claims: [] }).wanted.map((each) => each.name),
      [name, `${name}-2`, `${name}-3`],
    );
    const claims = [claim(name), claim(`${name}-2`), claim(`${name}-5`), claim('id.k8s.io')];
    assert.deepEqual(
      decide({ releases: ['6.1.0'], claims }).surplus.map((each) => each.metadata.name),
      [`${name}-2`],
    );
  });

  it('are none without a node', () => {
    const { wanted, surplus } = decide({ releases: [], claims: [claim(name)] });
    assert.deepEqual([wanted.length, surplus.length], [0, 1]);
  });
});
