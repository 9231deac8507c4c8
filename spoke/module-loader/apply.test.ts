import assert from 'node:assert/strict';
import { silentLog } from '../../shared/core/log.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { buildLoader, buildModule, kernelA, kernelB } from '../testing/builders.ts';
import { loaderOf, look, ownedDaemonSet } from '../testing/picture.ts';
import { apply } from './apply.ts';
import { loaderDaemonSet } from './daemon-set.ts';
import { statusOf } from './status.ts';
import { survey } from './survey.ts';
import { unloadPod } from './unload-pod.ts';

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

  it('says which one-shot pod was refused, and why: else it would hold the Module without a word [135]', async () => {
    const refusal = 'pods is forbidden: violates PodSecurity';
    const client = fakeClient({
      create: () => Promise.reject(new KubeError(403, 'Forbidden', refusal)),
    });
    const leaving = buildModule({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    const { picture, plan, plugin } = look({ module: leaving });
    const unload = [unloadPod(loaderPod('n1', kernelA))];
    const applied = await apply({ client, log: silentLog, picture, plan: { ...plan, unload, discard: [] }, plugin });
    assert.equal(applied.errors.length, 1);
    assert.deepEqual(
      applied.failures.map(({ node, reason }) => [node, reason]),
      [['n1', 'WriteFailed']],
    );
    assert.ok(applied.failures[0]?.message.includes(refusal));
    const seen = survey(picture);
    const status = statusOf({ picture, seen, plan, plugin: undefined, failures: applied.failures });
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    assert.deepEqual([ready?.reason, ready?.message.includes(refusal)], ['Unloading', true]);
  });
});
