import assert from 'node:assert/strict';
import type { OpenShiftBuild } from '../build/openshift-build.ts';
import { annotations, labels } from '../kube/names.ts';
import { viewJob } from './job-view.ts';

const digest = `sha256:${'a'.repeat(64)}`;

function build(status?: Record<string, unknown>, deleted = false): OpenShiftBuild {
  return {
    apiVersion: 'build.openshift.io/v1',
    kind: 'Build',
    metadata: {
      name: 'driver-build-1',
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { [labels.buildType]: 'build' },
      annotations: { [annotations.image]: 'registry.example/driver:1', [annotations.inputsHash]: 'h' },
      ...(deleted && { deletionTimestamp: '2026-01-01T00:01:00Z' }),
    },
    spec: {} as OpenShiftBuild['spec'],
    ...(status && { status: status as NonNullable<OpenShiftBuild['status']> }),
  };
}

describe('what a Build says', () => {
  for (const [phase, expected] of [
    [undefined, 'active'],
    ['New', 'active'],
    ['Pending', 'active'],
    ['Running', 'active'],
    ['Complete', 'succeeded'],
    ['Failed', 'failed'],
    ['Error', 'failed'],
    ['Cancelled', 'failed'],
    ['Unheard', 'active'],
  ] as const)
    it(`is ${expected} in phase ${phase}`, () => {
      const seen = viewJob(build(phase && { phase, completionTimestamp: '2026-01-01T00:02:00Z' }));
      assert.deepEqual([seen?.kind, seen?.step, seen?.phase], ['Build', 'build', expected]);
      assert.equal(seen?.said === undefined, expected === 'active');
    });

  it('is still under way when it failed and its log is not there yet [75]', () => {
    assert.equal(viewJob(build({ phase: 'Failed', reason: 'DockerBuildFailed' }))?.phase, 'active');
  });

  it('is why it gets no pod, as long as it has not begun [75]', () => {
    const why = { reason: 'CannotCreateBuildPod', message: 'Failed creating\nbuild pod.' };
    const trouble = 'CannotCreateBuildPod: Failed creating build pod.';
    const seen = (status?: Record<string, unknown>) => {
      const { podTrouble, isWaiting } = viewJob(build(status)) ?? {};
      return [podTrouble, isWaiting];
    };
    assert.deepEqual(seen({ phase: 'New', ...why }), [trouble, true]);
    assert.deepEqual(seen({ phase: 'Pending', ...why }), [trouble, true]);
    assert.deepEqual(seen(), [undefined, true]);
    assert.deepEqual(seen({ phase: 'New', reason: 'OnlyThat' }), ['OnlyThat', true]);
    assert.deepEqual(seen({ phase: 'Running', ...why }), [undefined, undefined]);
    assert.deepEqual(seen({ phase: 'Failed', ...why }), [undefined, true]);
    assert.ok((viewJob(build({ phase: 'New', message: 'x'.repeat(9_000) }))?.podTrouble?.length ?? 0) <= 300);
  });

  it('is going once it is deleted, whatever its phase', () => {
    assert.equal(viewJob(build({ phase: 'Running' }, true))?.phase, 'terminating');
  });

  it('is the digest of what it pushed, and how long that took', () => {
    const output = { to: { imageDigest: digest } };
    const seen = viewJob(build({ phase: 'Complete', completionTimestamp: '2026-01-01T00:02:00Z', output }));
    assert.deepEqual([seen?.said, seen?.seconds], [{ digest, reason: '', message: '' }, 120]);
    const strange = viewJob(build({ phase: 'Complete', output: { to: { imageDigest: 'sha256:no' } } }));
    assert.deepEqual(strange?.said, { reason: '', message: '' });
  });

  it('is the end of its log where it failed, else its message [75]', () => {
    const log = Array.from({ length: 9 }, (_, line) => `line ${line}`).join('\n');
    const said = (status: Record<string, unknown>) =>
      viewJob(build({ phase: 'Failed', completionTimestamp: '2026-01-01T00:02:00Z', ...status }))?.said;
    assert.deepEqual(said({ reason: 'DockerBuildFailed', message: 'it failed', logSnippet: log }), {
      reason: 'BuildFailed',
      message: 'DockerBuildFailed: line 3 | line 4 | line 5 | line 6 | line 7 | line 8',
    });
    assert.equal(
      said({ reason: 'OutOfMemoryKilled', message: 'the pod\nwas killed' })?.message,
      'OutOfMemoryKilled: the pod | was killed',
    );
    assert.equal(said({})?.message, 'Failed: it left no message');
    assert.ok((said({ reason: 'x'.repeat(9_000) })?.message.length ?? 0) <= 700);
  });
});
