import assert from 'node:assert/strict';
import fc from 'fast-check';
import { limits } from '../../shared/core/limits.ts';
import { parseKernelClaims } from '../../shared/kernel/claims.ts';
import { isKernelVersion } from '../../shared/kernel/version.ts';
import { managedCluster } from '../testing/pictures.ts';
import { clusterFingerprint, slimCluster, viewCluster } from './cluster.ts';
import { knownKernels } from './kernels.ts';

const inventoryOf = (value: string | undefined) =>
  parseKernelClaims(value === undefined ? [] : [{ name: 'kernel-versions.kmm.node.kubernetes.io', value }]);
const reasonsOf = (known: ReturnType<typeof knownKernels>) => known.problems.map(({ reason }) => reason);

describe('the kernels of a cluster', () => {
  it('are those of its claim, those that its report names, and those that it was given before [142]', () => {
    const known = knownKernels({ inventory: inventoryOf('k1+\nk2'), reported: ['k3', 'k1+'], shipped: ['k2', 'k4'] });
    assert.deepEqual(known, { running: ['k1', 'k2', 'k3'], lastKnown: ['k4'], upcoming: [], problems: [] });
  });

  it('are taken from the present work while the claim is missing or empty, and that is named [143]', () => {
    const missing = knownKernels({ inventory: inventoryOf(undefined), reported: [], shipped: ['k2'] });
    assert.deepEqual(missing.running, ['k2']);
    assert.deepEqual(reasonsOf(missing), ['NoKernelClaim']);
    const inventory = parseKernelClaims([
      { name: 'kernel-versions.kmm.node.kubernetes.io', value: 'k1' },
      { name: 'kernel-versions.kmm.node.kubernetes.io-2', value: '#2/3\nk2' },
    ]);
    const incomplete = knownKernels({ inventory, reported: [], shipped: ['k3'] });
    assert.deepEqual([incomplete.running, reasonsOf(incomplete)], [['k1', 'k2', 'k3'], ['KernelClaimIncomplete']]);
    const empty = knownKernels({ inventory: inventoryOf('\n'), reported: [], shipped: ['k2'] });
    assert.deepEqual(empty.running, ['k2']);
    assert.deepEqual(reasonsOf(empty), ['NoKernels']);
  });

  it('are taken from the present work, too, while a part of the claim was ignored for its size', () => {
    const many = Array.from({ length: 70 }, (_, index) => `6.1.0-${1000 + index}`);
    const known = knownKernels({ inventory: inventoryOf(many.join('\n')), reported: [], shipped: ['6.1.0-1069'] });
    assert.deepEqual(known.lastKnown, []);
    assert.ok(known.running.includes('6.1.0-1069'));
  });

  it('are ignored and named when they are none', () => {
    const known = knownKernels({
      inventory: inventoryOf('k1\n$(reboot)\n../../etc'),
      reported: ['a b', '`x`'],
      shipped: [],
    });
    assert.deepEqual(known.running, ['k1']);
    assert.deepEqual(reasonsOf(known), ['KernelsIgnored']);
    assert.match(known.problems[0]?.message ?? '', /"\$\(reboot\)".*"\.\.\/\.\.\/etc"/);
  });

  it('are bounded and valid, whatever a cluster sends', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1024 }), fc.array(fc.string()), (value, reported) => {
        const { running } = knownKernels({ inventory: inventoryOf(value), reported, shipped: [] });
        assert.ok(running.length <= limits.kernelsPerClusterMax);
        for (const kernel of running) assert.ok(isKernelVersion(kernel) && !kernel.endsWith('+'), kernel);
      }),
    );
  });
});

describe('a ManagedCluster', () => {
  it('is reachable exactly when it is known to be available', () => {
    for (const available of ['True', 'False', 'Unknown'] as const) {
      assert.equal(viewCluster(managedCluster({ available })).reachable, available === 'True');
    }
    assert.equal(viewCluster({ ...managedCluster({}), status: {} }).reachable, false);
  });

  it('is kept without what no decision looks at', () => {
    const whole = managedCluster({ kernels: ['k1'], labels: { a: 'b' } });
    const { status, metadata } = whole;
    const bulky = {
      ...whole,
      metadata: { ...metadata, annotations: { big: 'x'.repeat(1000) }, deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: {
        ...status,
        conditions: [...status!.conditions!, { ...status!.conditions![0]!, type: 'HubAcceptedManagedCluster' }],
        clusterClaims: [...status!.clusterClaims!, { name: 'platform.open-cluster-management.io', value: 'AWS' }],
        capacity: { cpu: '8' },
      },
    };
    const slim = slimCluster(bulky);
    assert.deepEqual(viewCluster(slim), viewCluster(bulky));
    assert.equal(clusterFingerprint(slim), clusterFingerprint(bulky));
    assert.ok(JSON.stringify(slim).length < 500);
  });

  it('wakes nobody when nothing changed that a decision could see', () => {
    const before = managedCluster({ kernels: ['k1'] });
    const capacity = { ...before, status: { ...before.status, capacity: { cpu: '8' } } };
    const claim = { name: 'platform.open-cluster-management.io', value: 'AWS' };
    const claims = {
      ...before,
      status: { ...before.status, clusterClaims: [...before.status!.clusterClaims!, claim] },
    };
    assert.equal(clusterFingerprint(capacity), clusterFingerprint(before));
    assert.equal(clusterFingerprint(claims), clusterFingerprint(before));
    for (const change of [
      { kernels: ['k2'] },
      { kernels: undefined },
      { labels: { a: 'b' } },
      { available: 'False' as const },
    ]) {
      assert.notEqual(clusterFingerprint(managedCluster({ kernels: ['k1'], ...change })), clusterFingerprint(before));
    }
  });
});
