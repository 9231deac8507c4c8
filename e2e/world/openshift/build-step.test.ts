import assert from 'node:assert/strict';
import type { OpenShiftBuild } from '../../../shared/build/openshift-build.ts';
import { openShiftBuild } from '../../../shared/build/openshift-build.ts';
import { openShiftRequest } from '../../../shared/build/testing/requests.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { buildPod } from './build-pod.ts';
import { type BuildStatus, failedInTwoMs, nextStep } from './build-step.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const made = openShiftBuild(openShiftRequest());
assert.ok(made.kind === 'object');
const { object } = made;

function build(status?: BuildStatus & { cancelled?: boolean }): OpenShiftBuild {
  const metadata = { ...object.metadata, uid: 'build' };
  return { ...object, metadata, ...(status && { status }) };
}

function pod(phase: string, message = '', owner = 'build'): Pod {
  const whole = buildPod(build(), 'builder:1');
  const [reference] = whole.metadata.ownerReferences ?? [];
  return {
    ...whole,
    metadata: { ...whole.metadata, ownerReferences: [{ ...reference!, uid: owner }] },
    status: { phase, containerStatuses: [{ state: { terminated: { message } } }] } as NonNullable<Pod['status']>,
  };
}

describe('the stand-in of OpenShift’s build controller', () => {
  for (const [what, status, itsPod, expected] of [
    ['takes note of a Build', undefined, undefined, { phase: 'New' }],
    ['waits for its pod', { phase: 'New' }, pod('Pending'), { phase: 'Pending' }],
    ['sees it run', { phase: 'Pending' }, pod('Running'), { phase: 'Running' }],
    [
      'fails a Build whose pod was deleted',
      { phase: 'Running' },
      undefined,
      { phase: 'Error', reason: 'BuildPodDeleted' },
    ],
    [
      'fails a Build that finds the pod of another',
      { phase: 'New' },
      pod('Running', '', 'other'),
      { phase: 'Error', reason: 'BuildPodExists' },
    ],
    ['leaves what has ended', { phase: 'Complete' }, undefined, { phase: 'Complete' }],
    [
      'names what was pushed',
      { phase: 'Running' },
      pod('Succeeded', 'sha256:1\n'),
      { phase: 'Complete', output: { to: { imageDigest: 'sha256:1' } } },
    ],
    [
      'has the end of the log',
      { phase: 'Running' },
      pod('Failed', 'a\nb\nc\nd\ne\nf\n'),
      { phase: 'Failed', logSnippet: 'b\nc\nd\ne\nf' },
    ],
  ] as const)
    it(what, () => {
      const step = nextStep(build(status), itsPod, nowMs);
      assert.deepEqual({ ...step.status, ...expected }, step.status);
    });

  it('makes one pod, with the Build’s name and Secrets and none of its labels, that does not hold the Build', () => {
    assert.equal(nextStep(build({ phase: 'New' }), undefined, nowMs).createPod, true);
    const { metadata, spec } = buildPod(build(), 'builder:1');
    const named = { 'openshift.io/build.name': object.metadata.name };
    assert.deepEqual([metadata.labels, metadata.annotations], [named, named]);
    assert.equal(metadata.ownerReferences?.[0]?.blockOwnerDeletion, undefined);
    // Also the login: for the base images, and for what is pushed.
    assert.deepEqual(spec.volumes?.map(({ name, secret }) => [name, secret?.secretName]).slice(-2), [
      ['pull', 'registry'],
      ['push', 'registry'],
    ]);
    assert.deepEqual(spec.volumes?.map(({ secret }) => secret?.secretName).slice(0, -2), ['token', 'pull.cache']);
  });

  it('says that a Build failed, and the end of its log a moment later', () => {
    const failed = pod('Failed', 'a\nb\n');
    const [container] = failed.status?.containerStatuses ?? [];
    Object.assign(container?.state?.terminated ?? {}, { finishedAt: '2026-01-01T00:00:00Z' });
    const first = nextStep(build({ phase: 'Running' }), failed, nowMs + 500);
    const { phase, reason, logSnippet, completionTimestamp } = first.status;
    assert.deepEqual(
      [phase, reason, logSnippet, completionTimestamp],
      ['Failed', 'DockerBuildFailed', undefined, undefined],
    );
    assert.equal(first.againMs, failedInTwoMs - 500);
    const second = nextStep(build(first.status), failed, nowMs + failedInTwoMs);
    assert.deepEqual([second.status.logSnippet, second.status.completionTimestamp], ['a\nb', '2026-01-01T00:00:02Z']);
    assert.deepEqual(nextStep(build(second.status), failed, nowMs + 60_000), { status: second.status });
  });

  it('ends the pod of a Build that is cancelled', () => {
    const { status, removePod } = nextStep(build({ phase: 'Running', cancelled: true }), pod('Running'), nowMs);
    assert.deepEqual([status.phase, removePod], ['Cancelled', true]);
  });
});
