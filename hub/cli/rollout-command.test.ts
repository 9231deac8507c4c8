import assert from 'node:assert/strict';
import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import type { Patch } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { decideRevisions } from '../managed-cluster-module/revisions.ts';
import { moduleSpec, spokeNamespace } from '../testing/pictures.ts';
import { UsageError } from './failures.ts';
import { runRollout } from './rollout-command.ts';

const spec = moduleSpec();
const older = moduleSpec({ imageRepoSecret: { name: 'pull' } });
const module: ManagedClusterModule = {
  apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
  kind: 'ManagedClusterModule',
  metadata: { name: 'nic', uid: 'u', generation: 4, resourceVersion: '7' },
  spec: { selector: {}, spokeNamespace, moduleSpec: spec },
};

function kept() {
  const picture = { module: 'nic', namespace: 'hub', moduleSpec: older, present: [], isUsed: () => true };
  const { wanted } = decideRevisions(picture);
  const owner = { apiVersion: module.apiVersion, kind: module.kind, name: 'nic', uid: 'u', controller: true };
  const foreign = { ...wanted, metadata: { ...wanted.metadata, name: 'nic-foreign' }, revision: 0 };
  return [foreign, { ...wanted, metadata: { ...wanted.metadata, ownerReferences: [owner] } }];
}

function world(options: { answer?: string; refuse?: KubeError } = {}) {
  const patches: Patch[] = [];
  const printed: string[] = [];
  const client = {
    get: () => Promise.resolve(module),
    list: () => Promise.resolve({ metadata: { resourceVersion: '1' }, items: kept() }),
    patch: (_: unknown, __: unknown, patch: Patch) => {
      patches.push(patch);
      return options.refuse === undefined ? Promise.resolve(module) : Promise.reject(options.refuse);
    },
  };
  const { answer } = options;
  const terminal = {
    print: (text: string) => void printed.push(text),
    complain: () => undefined,
    colours: false,
    width: undefined,
    ask: answer === undefined ? undefined : () => Promise.resolve(answer),
  };
  const around = { client, terminal, namespace: 'hub' } as unknown as Parameters<typeof runRollout>[1];
  return { around, patches, printed };
}
const undo = { kind: 'rollout', action: 'undo', module: 'nic', toRevision: undefined, yes: false } as const;

describe('kubectl kmm rollout', () => {
  it('writes an earlier version whole, and only over what it has shown', async () => {
    const { around, patches, printed } = world({ answer: 'y' });
    assert.equal(await runRollout(undo, around), 0);
    const operations = [
      { op: 'test', path: '/metadata/generation', value: 4 },
      { op: 'add', path: '/spec/moduleSpec', value: older },
    ];
    assert.deepEqual(patches, [{ type: 'json', operations }]);
    assert.ok(printed.includes('  spec.moduleSpec.imageRepoSecret: nothing → {"name":"pull"}'));
  });

  it('writes nothing without a yes, and asks nobody where nobody can answer', async () => {
    const declined = world({ answer: '' });
    assert.equal(await runRollout(undo, declined.around), 1);
    const unasked = world();
    await assert.rejects(runRollout(undo, unasked.around), UsageError);
    assert.deepEqual([declined.patches, unasked.patches], [[], []]);
  });

  it('takes an edit in between for what it is', async () => {
    const { around } = world({ answer: 'yes', refuse: new KubeError(422, 'Invalid', 'the test failed') });
    await assert.rejects(runRollout(undo, around), /got changed meanwhile: run the command again/);
  });

  it('pauses by one field, and writes nothing where it says so already', async () => {
    const { around, patches } = world();
    await runRollout({ kind: 'rollout', action: 'pause', module: 'nic' }, around);
    await runRollout({ kind: 'rollout', action: 'resume', module: 'nic' }, around);
    assert.deepEqual(patches, [{ type: 'merge', body: { spec: { rollout: { paused: true } } } }]);
  });
});
