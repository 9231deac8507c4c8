import assert from 'node:assert/strict';
import type { Pod } from '../kube/object.ts';
import { jobNamesOf, jobUidsOf, podTrouble } from './step-pods.ts';

type Status = NonNullable<Pod['status']>;

function pod(status: Partial<Status>, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', ...metadata },
    spec: { containers: [] },
    status: status as Status,
  };
}

function waiting(reason: string, message?: string): Partial<Status> {
  const state = { waiting: { reason, ...(message !== undefined && { message }) } };
  return { containerStatuses: [{ name: 'build', image: 'b', imageID: '', ready: false, restartCount: 0, state }] };
}

const unscheduled: Partial<Status> = {
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }],
};

describe('whose a pod is that makes an image', () => {
  const owner = (kind: string, name: string) => ({ apiVersion: 'v1', kind, name, uid: `uid-${name}` });

  it('is said by its owner, not by labels: OpenShift gives the pod of a Build none of ours', () => {
    for (const kind of ['Job', 'Build']) {
      const of = pod({}, { ownerReferences: [owner('Module', 'm'), owner(kind, 'driver-build')] });
      assert.deepEqual([jobNamesOf(of), jobUidsOf(of)], [['driver-build'], ['uid-driver-build']]);
    }
  });

  it('is nobody’s without one', () => {
    const labelled = pod({}, { labels: { 'batch.kubernetes.io/job-name': 'x', 'openshift.io/build.name': 'x' } });
    assert.deepEqual([jobNamesOf(labelled), jobUidsOf(labelled), jobNamesOf(undefined)], [[], [], []]);
  });
});

describe('what keeps a pod that makes an image from starting', () => {
  const cases: [what: string, pod: Pod, trouble: string | undefined][] = [
    ['is nothing before anything is known', pod({}), undefined],
    ['is nothing while it starts', pod(waiting('ContainerCreating')), undefined],
    [
      'is an image that cannot be pulled',
      pod(waiting('ImagePullBackOff', 'Back-off pulling image "b"')),
      'ImagePullBackOff: Back-off pulling image "b"',
    ],
    [
      'is a Secret that is gone',
      pod(waiting('CreateContainerConfigError', 'secret "s"\nnot found')),
      'CreateContainerConfigError: secret "s" not found',
    ],
    ['is a reason without words', pod(waiting('InvalidImageName')), 'InvalidImageName'],
    ['is that no node takes it', pod(unscheduled), 'Unschedulable: 0/3 nodes are available'],
    ['is nothing once it goes', pod(unscheduled, { deletionTimestamp: 'now' }), undefined],
  ];
  for (const [what, of, trouble] of cases) it(what, () => assert.equal(podTrouble(of), trouble));

  it('is bounded, whatever the message', () => {
    assert.ok((podTrouble(pod(waiting('X', 'y'.repeat(5000)))) ?? '').length <= 300);
  });
});
