import assert from 'node:assert/strict';
import type { Pod } from '../../../shared/kube/object.ts';
import type { ContainerPicture, Ended, PodPicture } from './pod-picture.ts';
import { podStatus } from './status.ts';

const ended = (exitCode: number, id = 'a'): Ended => ({
  containerID: `containerd://${id}`,
  exitCode,
  reason: exitCode === 0 ? 'Completed' : 'Error',
  startedMs: 1_000,
  endedMs: 2_000,
});
const running = { containerID: 'containerd://b', startedMs: 3_000 };

function container(overrides: Partial<ContainerPicture> = {}): ContainerPicture {
  const about = { name: 'main', kind: 'main', image: 'i', imageID: 'i@sha256:0' } as const;
  return { ...about, restartCount: 0, ready: false, started: false, ...overrides };
}

function picture(
  containers: ContainerPicture[],
  overrides: Partial<PodPicture> & { policy?: string } = {},
): PodPicture {
  const { policy = 'Always', ...rest } = overrides;
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { restartPolicy: policy, containers: [] },
  };
  return { pod, containers, hostIP: '1', podIP: '1', startMs: 0, nowMs: 10_000, terminal: false, ...rest };
}

const condition = (of: PodPicture, type: string) => podStatus(of).conditions?.find((each) => each.type === type);
const init = (overrides: Partial<ContainerPicture> = {}) => container({ name: 'init', kind: 'init', ...overrides });

describe('The phase of a pod', () => {
  const crashing = { last: ended(1), waiting: { reason: 'CrashLoopBackOff' } };
  const table: [string, PodPicture, string][] = [
    ['Pending before anything ran', picture([container()]), 'Pending'],
    ['Pending while an init container runs', picture([init({ running }), container()]), 'Pending'],
    ['Pending while an init container is tried again', picture([init(crashing), container()]), 'Pending'],
    ['Running with one container up', picture([init({ last: ended(0) }), container({ running })]), 'Running'],
    ['Running in CrashLoopBackOff', picture([container(crashing)]), 'Running'],
    ['Running when one that is to stay succeeded', picture([container({ last: ended(0) })]), 'Running'],
    ['Succeeded under OnFailure', picture([container({ last: ended(0) })], { policy: 'OnFailure' }), 'Succeeded'],
    [
      'Running after a failure under OnFailure',
      picture([container({ last: ended(1) })], { policy: 'OnFailure' }),
      'Running',
    ],
    ['Failed under Never', picture([container({ last: ended(1) })], { policy: 'Never' }), 'Failed'],
    [
      'Failed when an init container failed under Never',
      picture([init({ last: ended(1) }), container()], { policy: 'Never' }),
      'Failed',
    ],
    [
      'Succeeded when a deleted pod ended well',
      picture([container({ last: ended(0) })], { terminal: true }),
      'Succeeded',
    ],
    ['Failed when a deleted pod did not', picture([container({ last: ended(137) })], { terminal: true }), 'Failed'],
    ['Failed when a deleted pod never started', picture([container()], { terminal: true }), 'Failed'],
  ];
  for (const [what, from, expected] of table) {
    it(`is ${what}`, () => assert.equal(podStatus(from).phase, expected));
  }
});

describe('The status of a container', () => {
  it('shows the ended instance as the last state of the running one', () => {
    const [status] =
      podStatus(picture([container({ running, last: ended(1), ready: true, started: true, restartCount: 1 })]))
        .containerStatuses ?? [];
    assert.deepEqual(status?.state, { running: { startedAt: '1970-01-01T00:00:03Z' } });
    assert.equal(status?.lastState?.terminated?.exitCode, 1);
    assert.deepEqual([status?.ready, status?.started, status?.containerID], [true, true, 'containerd://b']);
  });

  it('is never ready once it ended', () => {
    const [status] =
      podStatus(picture([container({ last: ended(0), ready: true, started: true })])).containerStatuses ?? [];
    assert.deepEqual([status?.ready, status?.started], [false, false]);
  });

  it('waits for init containers, or for itself', () => {
    const reasons = (from: PodPicture) => podStatus(from).containerStatuses?.map(({ state }) => state?.waiting?.reason);
    assert.deepEqual(reasons(picture([container()])), ['ContainerCreating']);
    assert.deepEqual(reasons(picture([init({ running }), container()])), ['PodInitializing']);
  });

  it('is lost, though it never ran, when the pod is deleted after its init containers', () => {
    const after = podStatus(picture([init({ last: ended(0) }), container()], { terminal: true }));
    const state = after.containerStatuses?.[0]?.state?.terminated;
    assert.deepEqual([state?.reason, state?.exitCode, state?.containerID], ['ContainerStatusUnknown', 137, undefined]);
    const before = podStatus(picture([init(), container()], { terminal: true }));
    assert.equal(before.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
    assert.equal(before.initContainerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  });
});

describe('The conditions of a pod', () => {
  it('name the containers that are not ready', () => {
    const from = picture([container({ running, ready: true }), container({ name: 'other', running })]);
    assert.equal(condition(from, 'Ready')?.status, 'False');
    assert.equal(condition(from, 'Ready')?.message, 'containers with unready status: [other]');
  });

  it('keep their time while the status stays, and take a new one when it changes', () => {
    const from = picture([container({ running, ready: true })]);
    from.pod.status = {
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: 'then' },
        { type: 'ContainersReady', status: 'False', lastTransitionTime: 'then' },
        { type: 'DisruptionTarget', status: 'True', lastTransitionTime: 'theirs' },
      ],
    };
    assert.equal(condition(from, 'Ready')?.lastTransitionTime, 'then');
    assert.equal(condition(from, 'ContainersReady')?.lastTransitionTime, '1970-01-01T00:00:10Z');
    assert.equal(condition(from, 'DisruptionTarget')?.lastTransitionTime, 'theirs');
  });

  it('are not ready for a pod that is over, with the reason that kubelet gives', () => {
    const from = picture([container({ last: ended(0) })], { policy: 'OnFailure' });
    assert.equal(condition(from, 'Ready')?.reason, 'PodCompleted');
    assert.equal(condition(from, 'Initialized')?.status, 'True');
  });

  it('are absent, as containers are, from a pod that was refused', () => {
    const refusal = { reason: 'NodeAffinity', message: 'Pod was rejected' } as const;
    const status = podStatus(picture([container()], { refusal }));
    const { phase, reason, conditions, containerStatuses } = status;
    assert.deepEqual([phase, reason, conditions, containerStatuses], ['Failed', 'NodeAffinity', undefined, undefined]);
  });
});
