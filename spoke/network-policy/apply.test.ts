import assert from 'node:assert/strict';
import { KubeError } from '../../shared/kube/errors.ts';
import type { NetworkPolicy } from '../../shared/kube/object.ts';
import { fakeClient } from '../../shared/testing/fake-client.ts';
import { buildModule } from '../testing/builders.ts';
import { applyPolicy } from './apply.ts';
import { policyFor } from './policies.ts';

const module = buildModule();
const wanted = policyFor(module, 'loader');

/** Writes `wanted` over what the API holds and over what the cache shows of it. */
async function applied(held: NetworkPolicy | undefined, { isCached = true } = {}) {
  const sent: string[] = [];
  let stored = held;
  const client = fakeClient({
    get: async () => stored as never,
    create: async (_resource, object) => {
      sent.push('create');
      if (stored !== undefined) throw new KubeError(409, 'AlreadyExists', 'is there');
      stored = object as NetworkPolicy;
      return object;
    },
    replace: async (_resource, object) => {
      sent.push('replace');
      stored = object as NetworkPolicy;
      return object;
    },
  });
  const result = await applyPolicy(client, module, { wanted, present: isCached ? held : undefined });
  return { result, sent, stored };
}

async function made(): Promise<NetworkPolicy> {
  const { stored } = await applied(undefined);
  return { ...stored!, metadata: { ...stored!.metadata, uid: 'policy-uid', resourceVersion: '7' } };
}

describe('writing a network policy', () => {
  it('makes it, owned by the Module, and then sends nothing while nothing differs [139]', async () => {
    const first = await applied(undefined);
    assert.deepEqual([first.result, first.sent], ['done', ['create']]);
    assert.deepEqual(
      first.stored?.metadata.ownerReferences?.map(({ kind, uid, controller }) => [kind, uid, controller]),
      [['Module', 'module-uid', true]],
    );
    assert.deepEqual((await applied(await made())).sent, []);
  });

  it('takes back a rule that somebody added, and one that is missing [139]', async () => {
    const present = await made();
    const edits: NetworkPolicy['spec'][] = [
      { ...present.spec!, egress: [{}] },
      { ...present.spec!, ingress: [{}] },
      { ...present.spec!, policyTypes: ['Ingress'] },
    ];
    for (const spec of edits) {
      const { result, sent, stored } = await applied({ ...present, spec: spec! });
      assert.deepEqual([result, sent, stored?.spec], ['done', ['replace'], wanted.spec]);
    }
  });

  it('gives it its label back, without which no cache of ours shows it', async () => {
    const present = await made();
    const { labels: _, ...metadata } = present.metadata;
    const { result, sent, stored } = await applied({ ...present, metadata }, { isCached: false });
    assert.deepEqual([result, sent], ['done', ['create', 'replace']]);
    assert.deepEqual(stored?.metadata.labels, wanted.metadata.labels);
  });

  it('leaves a foreign one alone, whether the cache shows it or not', async () => {
    const { labels, ...metadata } = wanted.metadata;
    const theirs = { ...wanted, metadata, spec: { podSelector: {} } } as NetworkPolicy;
    const unseen = await applied(theirs, { isCached: false });
    assert.deepEqual([unseen.result, unseen.sent, unseen.stored], ['foreign', ['create'], theirs]);
    const reference = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x', uid: 'x', controller: true };
    const controlled = { ...theirs, metadata: { ...metadata, labels: labels!, ownerReferences: [reference] } };
    const seen = await applied(controlled);
    assert.deepEqual([seen.result, seen.sent], ['foreign', []]);
  });

  it('looks again when it is there already and the cache is only late', async () => {
    await assert.rejects(applied(await made(), { isCached: false }), KubeError);
  });
});
