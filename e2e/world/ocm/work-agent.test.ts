import assert from 'node:assert/strict';
import { appliedManifestWorks, type ManifestWork, manifestWorks, modules } from '@open-cluster-management/api-types';
import { apiVersion } from '../../../shared/kube/object.ts';
import { configMaps } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { eventually } from '../eventually.ts';
import { clusterName, moduleNamespace } from './recorded/scenario.ts';
import { type Stage, startStage } from './recorded/stage.ts';
import { retryDelayMs, startWorkAgent } from './work-agent.ts';

const agentUser = 'system:serviceaccount:open-cluster-management-agent:klusterlet-work-sa';
const name = 'm1';
const at = { name, namespace: moduleNamespace };

const module = {
  apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
  kind: 'Module',
  metadata: at,
  spec: { selector: { a: 'b' } },
};
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c1', namespace: moduleNamespace },
  data: { a: '1' },
};

function specOf(...manifests: Record<string, unknown>[]): ManifestWork['spec'] {
  const jsonPaths = [
    { name: 'desired', path: '.status.moduleLoader.desiredNumber' },
    { name: 'kernels', path: '.status.kernels' },
  ];
  return {
    workload: { manifests },
    manifestConfigs: [
      {
        resourceIdentifier: { group: 'kmm.sigs.x-k8s.io', resource: 'modules', ...at },
        feedbackRules: [{ type: 'JSONPaths', jsonPaths }],
      },
    ],
  };
}

describe('the stand-in of the work agent', () => {
  let stage: Stage;
  let agent: { stopped: Promise<void> };
  let closeAgent: () => Promise<void>;
  let mayTouchModules: boolean;

  beforeEach(async () => {
    mayTouchModules = true;
    stage = await startStage({
      authorize: ({ user, resource }) => user !== agentUser || mayTouchModules || !resource.startsWith('modules'),
    });
    await stage.perform({ kind: 'createNamespace' });
    const { hubClient, spoke, runtime, signal } = stage;
    const spokeClient = createKubeClient({ kubeconfig: { text: spoke.kubeconfig(agentUser) } });
    closeAgent = () => spokeClient.close();
    agent = startWorkAgent({
      hubClient,
      spokeClient,
      clusterName,
      hubHash: 'h',
      runtime,
      signal,
      statusSyncMs: 1000,
      resyncMs: 40_000,
    });
  });

  afterEach(async () => {
    await stage.stop();
    await agent.stopped;
    await closeAgent();
  });

  const work = () => stage.hubClient.get(manifestWorks, { name, namespace: clusterName });
  const condition = (of: ManifestWork | undefined, type: string) =>
    of?.status?.conditions?.find((candidate) => candidate.type === type);
  const untilApplied = (status: string) =>
    eventually(`the work is applied: ${status}`, async () => {
      const seen = await work();
      assert.equal(condition(seen, 'Applied')?.status, status);
      return seen;
    });

  it('says Applied False and why without rights on the kind, and applies once it has them [169]', async () => {
    mayTouchModules = false;
    await stage.perform({ kind: 'createWork', name, spec: specOf(module) });
    const refused = await untilApplied('False');
    const [manifest] = refused.status?.resourceStatus?.manifests ?? [];
    assert.match(JSON.stringify(manifest?.conditions), /Failed to apply manifest: .*forbidden/);
    assert.equal(await stage.spokeClient.get(modules, at), undefined);
    mayTouchModules = true;
    await untilApplied('True');
    assert.ok(await stage.spokeClient.get(modules, at));
  });

  it('names the namespace that the spoke has not [171]', async () => {
    const lost = { ...module, metadata: { name, namespace: 'elsewhere' } };
    await stage.perform({ kind: 'createWork', name, spec: specOf(lost) });
    const refused = await untilApplied('False');
    assert.match(JSON.stringify(refused.status?.resourceStatus), /namespaces \\"elsewhere\\" not found/);
  });

  it('keeps reported values while it cannot read, and says that a list cannot be reported', async () => {
    await stage.perform({ kind: 'createWork', name, spec: specOf(module) });
    await untilApplied('True');
    const kernels = [{ kernelVersion: '6.1.0', desired: 1, loaded: 1, failed: 0, unreachable: 0 }];
    await stage.perform({ kind: 'writeModuleStatus', name, patch: { moduleLoader: { desiredNumber: 1 }, kernels } });
    const values = (of: ManifestWork | undefined) => of?.status?.resourceStatus?.manifests?.[0]?.statusFeedback?.values;
    const reported = [{ name: 'desired', fieldValue: { type: 'Integer', integer: 1 } }];
    const conditions = (of: ManifestWork | undefined) =>
      JSON.stringify(of?.status?.resourceStatus?.manifests?.[0]?.conditions);
    await eventually('the value is reported, the list is not', async () => {
      const seen = await work();
      assert.deepEqual(values(seen), reported);
      return conditions(seen).includes('StatusFeedbackSyncFailed');
    });
    mayTouchModules = false;
    await eventually('Available is Unknown', async () => condition(await work(), 'Available')?.status === 'Unknown');
    assert.deepEqual(values(await work()), reported);
  });

  it('puts a hand edit back at its resync, not before, and keeps what others added', async () => {
    await stage.perform({ kind: 'createWork', name, spec: specOf(module) });
    await untilApplied('True');
    const metadata = { labels: { own: '1' }, finalizers: ['example.com/own'] };
    await stage.perform({ kind: 'patchModule', name, patch: { metadata, spec: { selector: { a: 'other' } } } });
    const editedMs = stage.runtime.clock.now();
    await eventually('the spec is the work’s again', async () => {
      const seen = await stage.spokeClient.get(modules, at);
      assert.deepEqual(seen?.spec.selector, { a: 'b' });
      assert.deepEqual(seen?.metadata.finalizers, ['example.com/own']);
      assert.equal(seen?.metadata.labels?.['own'], '1');
      return true;
    });
    assert.ok(stage.runtime.clock.now() - editedMs > 10_000, 'expected the resync to put it back, not a watch');
  });

  it('deletes what left the work, and only what it owns', async () => {
    await stage.perform({ kind: 'createWork', name, spec: specOf(module, configMap) });
    await untilApplied('True');
    await eventually('both are recorded as applied', async () => {
      const applied = await stage.spokeClient.get(appliedManifestWorks, { name: `h-${name}` });
      return applied?.status?.appliedResources?.length === 2;
    });
    assert.ok(await stage.spokeClient.get(configMaps, configMap.metadata));
    const foreign = {
      apiVersion: apiVersion(configMaps),
      kind: 'ConfigMap',
      metadata: { name: 'foreign', namespace: moduleNamespace },
    };
    await stage.spokeClient.create(configMaps, foreign);
    await stage.perform({ kind: 'changeWork', name, spec: specOf(module) });
    await eventually(
      'the ConfigMap is gone',
      async () => (await stage.spokeClient.get(configMaps, configMap.metadata)) === undefined,
    );
    await stage.perform({ kind: 'deleteWork', name });
    await eventually('the work is gone', async () => (await work()) === undefined);
    assert.equal(await stage.spokeClient.get(modules, at), undefined);
    assert.ok(await stage.spokeClient.get(configMaps, foreign.metadata));
  });

  it('tries a failed work again after 11 s, then ever later, at most after 5 minutes', () => {
    assert.deepEqual([1, 2, 3, 20].map(retryDelayMs), [11_000, 22_000, 44_000, 300_000]);
  });
});
