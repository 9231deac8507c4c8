import assert from 'node:assert/strict';
import type { ManifestWork } from '@open-cluster-management/api-types';
import { digest, edited, moduleSpec, nowText, revision, spokeNamespace } from '../testing/pictures.ts';
import { Digests } from './digests.ts';
import { type ShippedMapping, shippedSpec } from './shipped-spec.ts';
import { buildWork } from './work.ts';

const owner = { apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1', kind: 'ManagedClusterModule', name: 'm', uid: 'u1' };
const module = { name: 'm', owner, spokeNamespace };
const image = 'quay.io/org/a:5.14.0-1';
const [first, second] = [digest('first'), digest('second')];

function work(cluster: string, ...mappings: ShippedMapping[]): ManifestWork {
  const spec = shippedSpec(moduleSpec(), mappings);
  return buildWork({ module: 'm', spokeNamespace, cluster, revision: 'm-1', spec, updatedAt: nowText });
}
const shipped = (content: string): ShippedMapping => ({
  literal: '5.14.0-1',
  containerImage: `quay.io/org/a@${content}`,
});
const digests = (...works: ManifestWork[]) => new Digests({ ofRevision: (_, name) => (name === 'm-1' ? works : []) });

const kernel = '5.14.0-1';

describe('the digest of an image', () => {
  it('is read back from the works of the same revision [150]', () => {
    assert.equal(digests(work('c1', shipped(first))).of(module, revision('m-1'), image), first);
    assert.equal(digests(work('c1', shipped(first))).of(module, revision('m-2'), image), undefined);
    assert.equal(digests(work('c1')).of(module, revision('m-1'), image), undefined);
  });

  it('is not taken from a work that somebody edited, nor from another repository', () => {
    const forged = edited(work('c1', shipped(first)), (spec) => {
      spec.moduleLoader!.container.kernelMappings[0]!.containerImage = `quay.io/org/a@${second}`;
    });
    assert.equal(digests(forged, work('c2', shipped(first))).of(module, revision('m-1'), image), first);
    const elsewhere = work('c1', { literal: '5.14.0-1', containerImage: `evil.example/a@${second}` });
    assert.equal(digests(elsewhere).of(module, revision('m-1'), image), undefined);
  });

  it('is not what one cluster says of it, but what most works do: a cluster may write its own work', () => {
    const forged = work('a-hostile', shipped(second));
    const honest = ['c1', 'c2'].map((cluster) => work(cluster, shipped(first)));
    assert.equal(digests(forged, ...honest).of(module, revision('m-1'), image), first);
    assert.equal(digests(forged, honest[0]!).of(module, revision('m-1'), image), undefined, 'the registry decides');
  });

  it('is not that of a work of someone else, nor of one that goes with the object whose name was taken again', () => {
    const one = work('c1', shipped(first));
    const foreign = { ...one, metadata: { ...one.metadata, labels: {} } };
    const going = { ...one, metadata: { ...one.metadata, deletionTimestamp: nowText } };
    for (const other of [foreign, going]) {
      assert.equal(digests(other).of(module, revision('m-1'), image), undefined);
    }
    const fixed = digests();
    fixed.fix(module, revision('m-1'), { image, kernel, digest: first });
    assert.equal(fixed.of({ ...module, owner: { ...owner, uid: 'u2' } }, revision('m-1'), image), undefined);
  });

  it('is fixed by the first that is verified, and stays', () => {
    const fixed = digests();
    fixed.fix(module, revision('m-1'), { image, kernel, digest: first });
    fixed.fix(module, revision('m-1'), { image, kernel, digest: second });
    assert.equal(fixed.of(module, revision('m-1'), image), first);
    // Of what is made, one kernel's image says nothing of another kernel's.
    assert.equal(fixed.of(module, revision('m-1'), image, kernel), first);
    assert.equal(fixed.of(module, revision('m-1'), image, 'another'), undefined);
    fixed.forget('m');
    assert.equal(fixed.of(module, revision('m-1'), image), undefined);
  });
});
