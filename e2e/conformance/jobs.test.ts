import assert from 'node:assert/strict';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { Job, Pod } from '../../shared/kube/object.ts';
import { jobs, nodes, pods } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: Jobs, and where their pods go', () => {
  let plane: Plane;
  let client: KubeClient;
  let namespace: string;

  before(async () => {
    plane = await startPlane();
    client = plane.client;
  });
  after(() => plane.stop());
  beforeEach(async () => {
    namespace = await plane.newNamespace();
  });
  afterEach(async () => {
    await plane.raw.call('DELETE', `/apis/batch/v1/namespaces/${namespace}/jobs?propagationPolicy=Background`);
    await plane.raw.call('DELETE', `/api/v1/nodes?labelSelector=test%3D${namespace}`);
    for (const pod of await podsOf()) await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
  });

  const podsOf = async () => (await client.list(pods, { namespace })).items;
  const jobOf = async () => client.get(jobs, { namespace, name: 'j' });

  const taintsFor = (more?: string) =>
    ['for', ...(more === undefined ? [] : [more])].map((key) => ({ key, value: namespace, effect: 'NoSchedule' }));

  /** Nobody but this test's pods fits: they select it, and tolerate its taint. */
  async function addNode(name: string, more: { role?: string; taint?: string; unschedulable?: boolean } = {}) {
    const full = `${namespace}-${name}`;
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const room = { cpu: '4', memory: '8Gi', pods: '110' };
    await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: full, labels: { test: namespace, role: more.role ?? 'build' } },
      spec: { unschedulable: more.unschedulable ?? false, taints: taintsFor(more.taint) },
      status: { conditions: [ready], allocatable: room, capacity: room },
    });
    await eventually(`${name} is taken for ready`, async () => {
      const taints = (await client.get(nodes, { name: full }))?.spec?.taints ?? [];
      return !taints.some(({ key }) => key === 'node.kubernetes.io/not-ready');
    });
    return full;
  }

  function addJob(spec: Partial<Job['spec']> = {}, podSpec: Partial<Pod['spec']> = {}): Promise<Job> {
    const template = {
      metadata: { labels: { app: 'j' } },
      spec: {
        restartPolicy: 'Never',
        nodeSelector: { test: namespace, role: 'build' },
        tolerations: [{ key: 'for', operator: 'Exists' }],
        containers: [{ name: 'c', image: 'registry.example/j:1' }],
        ...podSpec,
      },
    };
    return client.create(jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', namespace },
      spec: { template, ...spec },
    });
  }

  const onePod = () =>
    eventually('a pod on a node', async () => {
      const [pod] = await podsOf();
      return pod?.spec.nodeName === undefined ? undefined : pod;
    });

  /** What kubelet says in the end. */
  async function end(pod: Pod, phase: 'Succeeded' | 'Failed'): Promise<void> {
    const finishedAt = new Date(Date.now() - 60_000).toISOString().replace(/\.\d+/, '');
    const terminated = { exitCode: phase === 'Failed' ? 1 : 0, startedAt: finishedAt, finishedAt };
    const container = { name: 'c', image: 'i', imageID: 'i', ready: false, restartCount: 0, state: { terminated } };
    const body = { status: { phase, containerStatuses: [container] } };
    await client.patch(pods, pod.metadata, { type: 'merge', body }, { subresource: 'status' });
  }

  const finished = (type: string) =>
    eventually(`the Job is ${type}`, async () => {
      const job = await jobOf();
      if (job?.status?.conditions?.some((each) => each.type === type && each.status === 'True')) return job;
      throw new Error(JSON.stringify(job?.status));
    });
  const conditionsOf = ({ status }: Job) =>
    status?.conditions?.map(({ type, status: holds, reason, message }) => [type, holds, reason, message].join('|'));

  it('get defaults, a selector and labels of their own; their pods have the labels, an owner, and a finalizer', async () => {
    await addNode('a');
    const { metadata, spec } = await addJob();
    const { template, ...rest } = spec;
    const uid = metadata.uid ?? '';
    assert.deepEqual(rest, {
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      completions: 1,
      manualSelector: false,
      parallelism: 1,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      suspend: false,
    });
    const labels = {
      app: 'j',
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': 'j',
      'controller-uid': uid,
      'job-name': 'j',
    };
    assert.deepEqual(template.metadata?.labels, labels);
    const pod = await onePod();
    assert.match(pod.metadata.name, /^j-[a-z0-9]{5}$/);
    assert.deepEqual(pod.metadata.labels, labels);
    assert.deepEqual(pod.metadata.finalizers, ['batch.kubernetes.io/job-tracking']);
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid, controller: true, blockOwnerDeletion: true };
    assert.deepEqual(pod.metadata.ownerReferences, [owner]);
    const { status } = await eventually('it counts as active', async () => {
      const job = await jobOf();
      return job?.status?.active === 1 ? job : undefined;
    });
    assert.match(String(status?.startTime), /^\d{4}-.*Z$/);
    assert.deepEqual([status?.conditions, status?.ready], [undefined, 0]);
  });

  it('are Complete when their pod succeeded; the pod stays, and is let go', async () => {
    await addNode('a');
    await addJob();
    await end(await onePod(), 'Succeeded');
    const job = await finished('Complete');
    const why = 'True|CompletionsReached|Reached expected number of succeeded pods';
    assert.deepEqual(conditionsOf(job), [`SuccessCriteriaMet|${why}`, `Complete|${why}`]);
    const { succeeded, failed, active, completionTime } = job.status ?? {};
    assert.deepEqual([succeeded, failed, active, typeof completionTime], [1, undefined, undefined, 'string']);
    await eventually('the finalizer is gone', async () => (await podsOf())[0]?.metadata.finalizers === undefined);
  });

  it('are Failed at once when their pod failed and there is no second try', async () => {
    await addNode('a');
    await addJob({ backoffLimit: 0 });
    await end(await onePod(), 'Failed');
    const job = await finished('Failed');
    const why = 'True|BackoffLimitExceeded|Job has reached the specified backoff limit';
    assert.deepEqual(conditionsOf(job), [`FailureTarget|${why}`, `Failed|${why}`]);
    const { succeeded, failed, active, completionTime } = job.status ?? {};
    assert.deepEqual([succeeded, failed, active, completionTime], [undefined, 1, undefined, undefined]);
    assert.equal((await podsOf()).length, 1);
  });

  it('try again as often as they may, whether the pod failed or was deleted', async () => {
    await addNode('a');
    await addJob({ backoffLimit: 1 });
    const first = await onePod();
    await end(first, 'Failed');
    const second = await eventually('another pod', async () =>
      (await podsOf()).find(({ metadata, spec }) => metadata.uid !== first.metadata.uid && spec.nodeName !== undefined),
    );
    await client.delete(pods, second.metadata, { gracePeriodSeconds: 0 });
    const { status } = await finished('Failed');
    assert.equal(status?.failed, 2);
    assert.equal((await podsOf()).length, 1);
  });

  it('end their pod and fail when they are active too long', async () => {
    await addNode('a');
    await addJob({ activeDeadlineSeconds: 1 });
    const pod = await onePod();
    await eventually('the pod is being deleted', async () => {
      const present = await client.get(pods, pod.metadata);
      return present?.metadata.deletionTimestamp !== undefined;
    });
    await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
    const job = await finished('Failed');
    const why = 'True|DeadlineExceeded|Job was active longer than specified deadline';
    assert.deepEqual(conditionsOf(job), [`FailureTarget|${why}`, `Failed|${why}`]);
    assert.deepEqual(await podsOf(), []);
  });

  for (const propagationPolicy of ['Background', 'Foreground'] as const)
    it(`take their pods along when they are deleted in the ${propagationPolicy.toLowerCase()}`, async () => {
      await addNode('a');
      await addJob();
      const pod = await onePod();
      await client.delete(jobs, { namespace, name: 'j' }, { propagationPolicy });
      await eventually('the pod is being deleted', async () => {
        return (await client.get(pods, pod.metadata))?.metadata.deletionTimestamp !== undefined;
      });
      assert.equal((await jobOf()) !== undefined, propagationPolicy === 'Foreground');
      await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
      await eventually('both are gone', async () => (await jobOf()) === undefined && (await podsOf()).length === 0);
    });

  it('keep their template, and refuse pods that start over for ever', async () => {
    const { metadata } = await addJob();
    const containers = [{ name: 'c', image: 'registry.example/j:2' }];
    const body = { spec: { template: { spec: { containers } } } };
    const refused = (message: RegExp) => (error: { status: number; message: string }) => {
      assert.equal(error.status, 422);
      assert.match(error.message, message);
      return true;
    };
    const patched = client.patch(jobs, metadata, { type: 'merge', body });
    await assert.rejects(patched, refused(/spec\.template: Invalid value/));
    await client.delete(jobs, metadata, { propagationPolicy: 'Background' });
    await eventually('the first is gone', async () => (await jobOf()) === undefined);
    await assert.rejects(addJob({}, { restartPolicy: 'Always' }), refused(/restartPolicy: Required value/));
  });

  it('wait with their pod until a node fits: labels, cordons and taints', async () => {
    await addNode('cordoned', { unschedulable: true });
    await addNode('tainted', { taint: 'other' });
    await addNode('other', { role: 'other' });
    await addJob();
    const waiting = await eventually('the pod is refused', async () => {
      const [pod] = await podsOf();
      return pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    });
    assert.deepEqual([waiting.status, waiting.reason], ['False', 'Unschedulable']);
    assert.match(waiting.message ?? '', /^0\/\d+ nodes are available: /);
    const fitting = await addNode('fitting');
    const pod = await onePod();
    assert.equal(pod.spec.nodeName, fitting);
    const bound = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    assert.equal(bound?.status, 'True');
  });
});
