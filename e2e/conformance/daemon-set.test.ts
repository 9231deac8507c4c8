import assert from 'node:assert/strict';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { DaemonSet, Node, Pod } from '../../shared/kube/object.ts';
import { daemonSets, nodes, pods } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: DaemonSets', () => {
  let plane: Plane;
  let client: KubeClient;
  let namespace: string;

  /** Nodes of one test: their names begin with it, and only its DaemonSet selects them. */
  let role: string;

  before(async () => {
    plane = await startPlane();
    client = plane.client;
  });
  after(() => plane.stop());
  beforeEach(async () => {
    namespace = await plane.newNamespace();
    role = namespace;
  });
  afterEach(async () => {
    await plane.raw.call('DELETE', `/apis/apps/v1/namespaces/${namespace}/daemonsets`);
    await plane.raw.call('DELETE', `/api/v1/nodes?labelSelector=test%3D${role}`);
  });

  const podsOf = async () => (await client.list(pods, { namespace })).items;
  /** Without the test's prefix; a pod that waits for the scheduler is on none. */
  const nodeNames = async () => (await podsOf()).map((pod) => pod.spec.nodeName?.replace(`${role}-`, '') ?? '').sort();
  const podsOnNodes = async (count: number) => {
    const all = await podsOf();
    return all.length === count && all.every((pod) => pod.spec.nodeName !== undefined) ? all : undefined;
  };
  const at = (node: string) => ({ name: `${role}-${node}` });

  async function addNode(name: string, more: Partial<NonNullable<Node['spec']>> = {}, matching = true) {
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const room = { cpu: '4', memory: '8Gi', pods: '110' };
    await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { ...at(name), labels: { test: role, ...(matching && { role }) } },
      spec: more,
      status: { conditions: [ready], allocatable: room, capacity: room },
    });
    // The node life cycle takes the taints away that a new node gets.
    await eventually(`${name} is taken for ready`, async () => {
      const taints = (await client.get(nodes, at(name)))?.spec?.taints ?? [];
      return !taints.some(({ key }) => key === 'node.kubernetes.io/not-ready');
    });
  }

  async function addDaemonSet(type = 'OnDelete', finalizers?: string[]): Promise<DaemonSet> {
    const labels = { app: 'd' };
    const container = { name: 'c', image: 'registry.example/d:1' };
    const template = {
      metadata: { labels, ...(finalizers && { finalizers }) },
      spec: { containers: [container], nodeSelector: { role } },
    };
    return client.create(daemonSets, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'd', namespace },
      spec: { selector: { matchLabels: labels }, updateStrategy: { type }, template },
    });
  }

  const statusOf = async () => (await client.get(daemonSets, { namespace, name: 'd' }))?.status;
  const newImage = (image: string) =>
    client.patch(
      daemonSets,
      { namespace, name: 'd' },
      { type: 'merge', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } },
    );

  async function markRunning(pod: Pod, phase = 'Running', status = 'True'): Promise<void> {
    const conditions = [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const body = { status: { phase, conditions } };
    await client.patch(pods, pod.metadata, { type: 'merge', body }, { subresource: 'status' });
  }

  it('puts one pod on every node that matches and is not tainted, cordoned nodes included', async () => {
    await addNode('a');
    await addNode('b', { unschedulable: true });
    await addNode('c', { taints: [{ key: 'x', effect: 'NoSchedule' }] });
    await addNode('d', {}, false);
    await addDaemonSet();
    await eventually('pods on a and b', async () => (await nodeNames()).join() === 'a,b');
    await eventually('the status counts them', async () => {
      const status = await statusOf();
      return (
        status?.desiredNumberScheduled === 2 && status.currentNumberScheduled === 2 && status.observedGeneration === 1
      );
    });
    const [pod] = await podsOf();
    assert.match(pod!.metadata.name, /^d-[a-z0-9]{5}$/);
    assert.equal(pod?.metadata.ownerReferences?.[0]?.kind, 'DaemonSet');
    assert.equal(pod?.metadata.labels?.['pod-template-generation'], '1');
    const tolerated = pod?.spec.tolerations?.map(({ key, effect }) => `${key?.split('/')[1]}:${effect}`) ?? [];
    for (const taint of ['not-ready:NoExecute', 'unreachable:NoExecute', 'unschedulable:NoSchedule']) {
      assert.ok(tolerated.includes(taint), `${taint} is tolerated`);
    }
  });

  it('leaves a running pod on a node that gets a NoSchedule taint, and counts it as misscheduled at the next look', async () => {
    await addNode('a');
    await addDaemonSet();
    const pod = (await eventually('a pod', () => podsOnNodes(1)))[0]!;
    const taints = [{ key: 'x', effect: 'NoSchedule' }];
    await client.patch(nodes, at('a'), { type: 'merge', body: { spec: { taints } } });
    // The taint alone is no reason to look: there is nothing to make and nothing to end.
    await markRunning(pod);
    await eventually('misscheduled', async () => (await statusOf())?.numberMisscheduled === 1);
    assert.equal((await podsOf())[0]?.metadata.deletionTimestamp, undefined);
  });

  it('ends pods under an untolerated NoExecute taint, and on nodes that lost their label', async () => {
    await addNode('a');
    await addNode('b');
    await addDaemonSet();
    await eventually('two pods', () => podsOnNodes(2));
    const taints = [{ key: 'x', effect: 'NoExecute' }];
    await client.patch(nodes, at('a'), { type: 'merge', body: { spec: { taints } } });
    await client.patch(nodes, at('b'), { type: 'merge', body: { metadata: { labels: { role: null } } } });
    await eventually('both are being deleted', async () => {
      const all = await podsOf();
      return all.length === 2 && all.every(({ metadata }) => metadata.deletionTimestamp !== undefined);
    });
  });

  it('with OnDelete, leaves running pods when the template changes, and makes the next one from it', async () => {
    await addNode('a');
    await addDaemonSet();
    const first = (await eventually('a pod', () => podsOnNodes(1)))[0]!;
    await newImage('registry.example/d:2');
    await eventually('the change is observed', async () => {
      const status = await statusOf();
      return status?.observedGeneration === 2 && status.updatedNumberScheduled === undefined;
    });
    assert.equal((await podsOf())[0]?.metadata.uid, first.metadata.uid);
    await client.delete(pods, first.metadata, { gracePeriodSeconds: 0 });
    const [second] = await eventually('another pod', () => podsOnNodes(1));
    assert.equal(second?.spec.containers[0]?.image, 'registry.example/d:2');
    assert.equal(second?.metadata.labels?.['pod-template-generation'], '2');
  });

  it('with RollingUpdate, replaces one pod at a time and waits for it to be ready', async () => {
    await addNode('a');
    await addNode('b');
    await addDaemonSet('RollingUpdate');
    await eventually('two pods', () => podsOnNodes(2));
    for (const pod of await podsOf()) await markRunning(pod);
    await newImage('registry.example/d:2');
    const going = async () => (await podsOf()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    await eventually('one is being deleted', async () => (await going()).length === 1);
    const [first] = await going();
    await client.delete(pods, first!.metadata, { gracePeriodSeconds: 0 });
    const replacement = await eventually('its replacement', async () =>
      (await podsOf()).find(({ spec }) => spec.containers[0]?.image === 'registry.example/d:2'),
    );
    assert.equal((await going()).length, 0);
    await markRunning(replacement);
    await eventually('the other one follows', async () => (await going()).length === 1);
  });

  it('makes no second pod while the first is being deleted, but does once it is over and only a finalizer holds it', async () => {
    await addNode('a');
    await addDaemonSet('OnDelete', ['example.com/hold']);
    const first = (await eventually('a pod', () => podsOnNodes(1)))[0]!;
    await client.delete(pods, first.metadata);
    await eventually('the status is current', async () => (await statusOf())?.currentNumberScheduled === 1);
    assert.equal((await podsOf()).length, 1);
    await markRunning(first, 'Succeeded', 'False');
    await eventually('a second pod', async () => (await podsOf()).length === 2);
  });

  it('replaces a failed pod', async () => {
    await addNode('a');
    await addDaemonSet();
    const first = (await eventually('a pod', () => podsOnNodes(1)))[0]!;
    await markRunning(first, 'Failed', 'False');
    await eventually('another one', async () => {
      const [pod, another] = await podsOf();
      return pod !== undefined && another === undefined && pod.metadata.uid !== first.metadata.uid;
    });
  });

  it('counts ready and available pods', async () => {
    await addNode('a');
    await addDaemonSet();
    const pod = (await eventually('a pod', () => podsOnNodes(1)))[0]!;
    await eventually('unavailable', async () => (await statusOf())?.numberUnavailable === 1);
    await markRunning(pod);
    await eventually('available', async () => {
      const status = await statusOf();
      return status?.numberReady === 1 && status.numberAvailable === 1 && status.numberUnavailable === undefined;
    });
  });

  it('takes its pods along when it is deleted', async () => {
    await addNode('a');
    await addDaemonSet();
    await eventually('a pod', () => podsOnNodes(1));
    await client.delete(daemonSets, { namespace, name: 'd' });
    await eventually('the pod is being deleted', async () => {
      return (await podsOf())[0]?.metadata.deletionTimestamp !== undefined;
    });
  });
});
