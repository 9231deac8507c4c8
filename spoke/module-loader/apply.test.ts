import assert from 'node:assert/strict';
import { silentLog } from '../../shared/core/log.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { buildLoader, buildModule, kernelA, kernelB } from '../testing/builders.ts';
import { loaderOf, look, ownedDaemonSet } from '../testing/picture.ts';
import { apply } from './apply.ts';
import { loaderDaemonSet } from './daemon-set.ts';

const changed = buildModule({ imageRepoSecret: { name: 'other' } });
const reference = { apiVersion: 'apps/v1', kind: 'DaemonSet', uid: 'd', controller: true };

/** A loader pod of the DaemonSet of its kernel. */
function loaderPod(node: string, kernel: string): Pod {
  const pod = buildLoader(node);
  const ownerReferences = [{ ...reference, name: ownedDaemonSet(buildModule(), kernel).metadata.name }];
  return { ...pod, metadata: { ...pod.metadata, ownerReferences } };
}

describe('carrying out a plan', () => {
  it('ends no pod whose DaemonSet does not say the new spec yet: it would come back as it was', async () => {
    const touched: string[] = [];
    const [first, second] = [kernelA, kernelB].map((kernel) => ownedDaemonSet(buildModule(), kernel));
    const client = fakeClient({
      replace: async (_resource, object) => {
        if (object.metadata.name === first?.metadata.name) throw new KubeError(409, 'Conflict', 'changed meanwhile');
        return object;
      },
      patch: async (_resource, { name }) => touched.push(`mark ${name}`) as never,
      delete: async (_resource, { name }) => void touched.push(`delete ${name}`),
    });
    const { picture, plan } = look({ module: changed, daemonSets: [first!, second!] });
    const kept = loaderPod('n1', kernelA);
    const ended = loaderPod('n2', kernelB);
    const applied = await apply({
      client,
      log: silentLog,
      picture,
      plan: {
        ...plan,
        finalizer: false,
        daemonSets: [kernelA, kernelB].map((kernel) => loaderDaemonSet(loaderOf(changed, kernel))),
        mark: [kept, ended],
        remove: [kept, ended].map((pod) => ({ pod, reason: 'Outdated' })),
        discard: [],
      },
      plugin: { daemonSet: undefined, discard: [] },
    });
    assert.deepEqual(touched, [`mark ${ended.metadata.name}`, `delete ${ended.metadata.name}`]);
    assert.equal(applied.errors.length, 1);
  });
});
