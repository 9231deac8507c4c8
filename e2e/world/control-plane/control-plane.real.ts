import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { KubeError } from '../../../shared/kube/errors.ts';
import type { ConfigMap, DaemonSet, KubeObject, Node } from '../../../shared/kube/object.ts';
import { configMaps, daemonSets, namespaces, nodes, pods, resource, secrets } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { kubeconfigText } from '../api-server/credentials.ts';
import { eventually } from '../eventually.ts';
import { AuditLog } from '../real/audit-log.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type Etcd, startEtcd } from './etcd.ts';
import { lives } from './lock.ts';
import { requestToken, serviceAccounts } from './service-account.ts';

type SelfReview = KubeObject & { status?: { userInfo: { username: string } } };
const selfReviews = resource<SelfReview>(
  'authentication.k8s.io',
  'v1',
  'SelfSubjectReview',
  'selfsubjectreviews',
  false,
);

describe('a real control plane', () => {
  let etcd: Etcd;
  let plane: ControlPlane;
  let admin: KubeClient;
  const clients: KubeClient[] = [];

  before(async () => {
    etcd = await startEtcd();
    const timing = { nodeGraceSeconds: 5 };
    plane = await startControlPlane({ name: 'real', etcd, schedulerAndControllers: true, timing });
    admin = connect(plane.adminKubeconfig);
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await plane?.stop();
    await etcd?.stop();
  });

  function connect(text: string): KubeClient {
    const client = createKubeClient({ kubeconfig: { text } });
    clients.push(client);
    return client;
  }
  async function newNamespace(): Promise<string> {
    const metadata = { name: '', generateName: 'test-' };
    return (await admin.create<KubeObject>(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata })).metadata
      .name;
  }

  it('gives the pod of a DaemonSet to a node that registers itself, by Kubernetes’ own controller and scheduler', async () => {
    const namespace = await newNamespace();
    const node = connect(await plane.kubeconfigFor({ name: 'system:node:worker', groups: ['system:nodes'] }));
    await registerNode(node, 'worker');
    await admin.create(daemonSets, daemonSet(namespace));
    const pod = await eventually('a pod that is bound', async () => {
      const { items } = await admin.list(pods, { namespace });
      return items.find(({ spec }) => spec?.nodeName === 'worker');
    });
    // What admission and the ServiceAccount's controllers add: a token is there to be mounted.
    assert.equal(pod.spec?.['serviceAccountName'], 'default');
    assert.match(JSON.stringify(pod.spec?.volumes), /kube-root-ca\.crt/);
    await assert.rejects(node.get(secrets, { namespace, name: 'any' }), isForbidden, 'nodes read what their pods use');
  });

  it('says Unknown of a node that has been silent for the grace period, and taints it', async () => {
    await registerNode(admin, 'silent');
    const node = await eventually('a Ready that is Unknown', async () => {
      const seen = await admin.get(nodes, { name: 'silent' });
      return seen?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') && seen;
    });
    assert.equal(node.status?.conditions?.[0]?.reason, 'NodeStatusUnknown');
    const tainted = async () => JSON.stringify((await admin.get(nodes, { name: 'silent' }))?.spec?.taints);
    await eventually('the taint', async () => (await tainted()).includes('node.kubernetes.io/unreachable'));
  });

  it('deletes what is in a namespace, and then the namespace', async () => {
    const namespace = await newNamespace();
    await admin.create(configMaps, configMap(namespace, 'within'));
    await admin.delete(namespaces, { name: namespace });
    await eventually('no namespace', async () => (await admin.get(namespaces, { name: namespace })) === undefined);
    assert.equal(await admin.get(configMaps, { namespace, name: 'within' }), undefined);
  });

  it('collects what belonged to an object that is gone', async () => {
    const namespace = await newNamespace();
    const { uid = '' } = (await admin.create(configMaps, configMap(namespace, 'owner'))).metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }];
    await admin.create(configMaps, configMap(namespace, 'owned', { ownerReferences }));
    await admin.delete(configMaps, { namespace, name: 'owner' }, { propagationPolicy: 'Background' });
    const left = () => admin.get(configMaps, { namespace, name: 'owned' });
    await eventually('no object without its owner', async () => (await left()) === undefined);
  });

  it('knows a ServiceAccount by its token, lets it do nothing, and says so in the audit log', async () => {
    const log = new AuditLog(plane.auditLogPath);
    const account = { namespace: await newNamespace(), name: 'nobody' };
    await admin.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account });
    const client = connect(tokenKubeconfig(plane, await requestToken(admin, account, { expirationSeconds: 3600 })));
    const review: SelfReview = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
      metadata: { name: '' },
    };
    const user = `system:serviceaccount:${account.namespace}:nobody`;
    assert.equal((await client.create(selfReviews, review)).status?.userInfo.username, user);
    await assert.rejects(client.list(secrets, { namespace: account.namespace }), isForbidden);
    const events = await Array.fromAsync(log.events());
    const refused = events.filter(({ user: { username }, verb }) => username === user && verb === 'list');
    assert.deepEqual(
      refused.map(({ objectRef, annotations }) => [
        objectRef?.resource,
        annotations?.['authorization.k8s.io/decision'],
      ]),
      [['secrets', 'forbid']],
    );
    await assert.rejects(connect(tokenKubeconfig(plane, 'made-up')).list(secrets), isUnauthorized);
  });

  it('shares etcd with another of an older release, and neither sees the other’s objects', async () => {
    // Without those that write by themselves: what is in etcd comes from the API server.
    const older = await startControlPlane({ name: 'older', etcd, version: '1.30', schedulerAndControllers: false });
    try {
      const client = connect(older.adminKubeconfig);
      await client.create(configMaps, configMap('default', 'of-the-older'));
      assert.equal(await admin.get(configMaps, { namespace: 'default', name: 'of-the-older' }), undefined);
      const said = older.processes.map(({ logPath }) => readFileSync(logPath, 'utf8'));
      for (const log of said) assert.match(log, /v1\.30\.14/);
    } finally {
      await older.stop();
    }
    assert.equal(existsSync(dirname(older.auditLogPath)), false);
  });

  it('that cannot start says why, by the end of its log, and leaves nothing', async () => {
    const broken = { name: 'broken', etcd, schedulerAndControllers: false, auditPolicy: 'kind: Nonsense' };
    await assert.rejects(startControlPlane(broken), /kube-apiserver ended by itself \(exit code 1\).*Nonsense/s);
  });

  it('ends with the process that started it, though that was killed', async () => {
    const other = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: other.stdout }), 'line');
    const { folders, pids } = JSON.parse(line) as { folders: string[]; pids: number[] };
    assert.equal(pids.length, 4);
    assert.ok(pids.every(lives) && folders.every(existsSync));
    other.kill('SIGKILL');
    await eventually('no process', () => !pids.some(lives));
    await eventually('no folder', () => !folders.some(existsSync));
  });
});

/** Starts a plane, says where, and stays until it is killed. */
const script = `
  import { dirname } from 'node:path';
  import { MessageChannel } from 'node:worker_threads';
  import { startControlPlane } from '${new URL('control-plane.ts', import.meta.url)}';
  import { startEtcd } from '${new URL('etcd.ts', import.meta.url)}';
  new MessageChannel().port1.on('message', () => undefined);
  const etcd = await startEtcd();
  const plane = await startControlPlane({ name: 'killed', etcd, schedulerAndControllers: true });
  const processes = [etcd.process, ...plane.processes];
  const folders = processes.map(({ logPath }) => dirname(logPath));
  process.stdout.write(JSON.stringify({ folders, pids: processes.map(({ pid }) => pid) }) + '\\n');
  await new Promise(() => undefined);
`;

async function registerNode(client: KubeClient, name: string): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
  await client.create<Node>(nodes, { apiVersion: 'v1', kind: 'Node', metadata });
  const room = { cpu: '4', memory: '8Gi', pods: '110' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
  const status = { capacity: room, allocatable: room, conditions };
  await client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
}

function daemonSet(namespace: string): DaemonSet {
  const labels = { app: 'loader' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'loader', namespace },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'loader', image: 'example.test/loader:1' }] } },
    },
  };
}

function configMap(namespace: string, name: string, metadata: object = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...metadata } };
}

function tokenKubeconfig({ name, url, caPem }: ControlPlane, token: string): string {
  return kubeconfigText({ name, url, caPem, user: 'holder', credentials: { token } });
}

function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && error.status === 403;
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof KubeError && error.status === 401;
}
