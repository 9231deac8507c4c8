import assert from 'node:assert/strict';
import { silentLog } from '../../../shared/core/log.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Node, Pod } from '../../../shared/kube/object.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import { silentMeters } from '../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { VirtualClock } from '../../../shared/testing/virtual-clock.ts';
import { type ApiServer, startApiServer } from '../api-server/server.ts';
import { eventually } from '../eventually.ts';
import { markUnreachable } from './node-lifecycle.ts';
import { startClusterControllers } from './start.ts';

describe('controllers of nodes and their pods', () => {
  let server: ApiServer;
  let client: KubeClient;
  let clock: VirtualClock;
  let stopping: AbortController;
  let stopped: Promise<void>;

  beforeEach(async () => {
    clock = new VirtualClock();
    stopping = new AbortController();
    server = await startApiServer({ clock, name: 'spoke' });
    client = createKubeClient({ kubeconfig: { text: server.kubeconfig() } });
    const runtime = { clock, random: () => 0.5, log: silentLog, meters: silentMeters };
    ({ stopped } = startClusterControllers({ client, runtime, signal: stopping.signal }));
    const conditions = [{ type: 'Ready', status: 'True' }];
    const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: { conditions } };
    await client.create(nodes, node);
  });
  afterEach(async () => {
    stopping.abort();
    await stopped;
    await client.close();
    await server.stop();
  });

  const at = { namespace: 'default', name: 'p' };
  const present = () => client.get(pods, at);

  async function addPod(tolerations: Pod['spec']['tolerations'] = []): Promise<void> {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'registry.example/i:1' }], tolerations };
    await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: at, spec });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const body = { status: { phase: 'Running', conditions } };
    await client.patch(pods, at, { type: 'merge', body }, { subresource: 'status' });
  }

  const taint = (taints: object[]) =>
    client.patch(nodes, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } });
  const isGoing = async () => (await present())?.metadata.deletionTimestamp !== undefined;

  /** Moves time on until the world is so; gives how much of it passed. */
  async function virtualMsUntil(expected: string, look: () => Promise<boolean>): Promise<number> {
    const beganMs = clock.now();
    await eventually(expected, async () => {
      await clock.advance(2_000);
      return look();
    });
    return clock.now() - beganMs;
  }

  it('a pod leaves at once under a NoExecute taint that it does not tolerate', async () => {
    await addPod();
    await taint([{ key: 'k', effect: 'NoExecute' }]);
    await eventually('it is being deleted', isGoing);
  });

  it('a pod that tolerates the taint for a while leaves when its tolerationSeconds are over, not earlier', async () => {
    await addPod([{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
    await taint([{ key: 'k', effect: 'NoExecute' }]);
    assert.ok((await virtualMsUntil('it is being deleted', isGoing)) >= 60_000);
  });

  it('a silent node is tainted as unreachable, and its pods are not Ready', async () => {
    await addPod([{ operator: 'Exists' }]);
    await markUnreachable(client, 'n1', clock);
    const node = await eventually('the taints', async () => {
      const now = await client.get(nodes, { name: 'n1' });
      return now?.spec?.taints?.length === 2 ? now : undefined;
    });
    assert.deepEqual(
      node.spec?.taints?.map(({ key }) => key),
      ['node.kubernetes.io/unreachable', 'node.kubernetes.io/unreachable'],
    );
    await eventually('the pod is not Ready', async () => {
      const ready = (await present())?.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'False' && ready.reason === 'NodeNotReady';
    });
    assert.equal(await isGoing(), false);
  });

  it('a node that is Ready again loses the taint', async () => {
    await markUnreachable(client, 'n1', clock);
    const taints = async () => (await client.get(nodes, { name: 'n1' }))?.spec?.taints?.length ?? 0;
    await eventually('the taints', async () => (await taints()) === 2);
    const body = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    await client.patch(nodes, { name: 'n1' }, { type: 'merge', body }, { subresource: 'status' });
    await eventually('no taints', async () => (await taints()) === 0);
  });

  it('pods of a node that is gone are removed after its quarantine, also when they were held by kubelet', async () => {
    await addPod();
    await client.delete(pods, at);
    await client.delete(nodes, { name: 'n1' });
    const isGone = async () => (await present()) === undefined;
    assert.ok((await virtualMsUntil('the pod is gone', isGone)) >= 40_000);
  });
});
