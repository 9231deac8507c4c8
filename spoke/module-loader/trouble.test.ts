import assert from 'node:assert/strict';
import { buildLoader, buildNode, ended, type LoaderOptions } from '../testing/builders.ts';
import { troubleOf, troubleOn } from './trouble.ts';

const line = "modprobe: ERROR: could not insert 'simple_kmod': Required key not available";
const refused = { verb: 'run', result: 'Failed', reason: 'RequiredKeyNotAvailable', message: line };
const crashLoop = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } };

const trouble = (options: LoaderOptions) => troubleOf(buildLoader('n1', { ready: false, ...options }));

describe('what is wrong with a loader pod', () => {
  it("is modprobe's own line, also while kubelet waits to try again [205]", () => {
    for (const status of [
      { state: ended(refused) },
      { state: crashLoop, lastState: ended(refused) },
      { state: { running: {} }, lastState: ended(refused) },
    ]) {
      assert.deepEqual(trouble({ status }), { reason: 'RequiredKeyNotAvailable', message: line, patient: false });
    }
  });

  it('is nothing as soon as the pod is Ready', () => {
    assert.equal(trouble({ ready: true, status: { lastState: ended(refused) } }), undefined);
  });

  it('is never another kernel: that is how every reboot into one begins', () => {
    assert.equal(trouble({ status: { state: ended({ ...refused, reason: 'OtherKernel' }) } }), undefined);
  });

  it('is a pull error, which kubelet may get over', () => {
    const state = { waiting: { reason: 'ImagePullBackOff', message: 'not found' } };
    assert.deepEqual(trouble({ status: { state } }), {
      reason: 'ImagePullBackOff',
      message: 'not found',
      patient: true,
    });
    assert.equal(trouble({ status: { state: { waiting: { reason: 'PodInitializing' } } } }), undefined);
  });

  it('is the same pull error while kubelet tries and while it waits to try again', () => {
    const found = (reason: string, message: string) =>
      trouble({ status: { state: { waiting: { reason, message } }, containerID: '' } });
    const waiting = found('ImagePullBackOff', 'Back-off pulling image "example.com/a:1": ErrImagePull: no such tag');
    assert.deepEqual(found('ErrImagePull', 'no such tag'), waiting);
    assert.equal(waiting?.message, 'no such tag');
  });

  it('is a pod that was rejected', () => {
    const found = trouble({ phase: 'Failed', status: { state: {}, lastState: {} } });
    assert.equal(found?.reason, 'PodRejected');
    assert.equal(found?.patient, true);
  });

  it('names the modules that hold the kernel module [206]', () => {
    const state = ended({
      verb: 'run',
      result: 'Failed',
      reason: 'InTreeInUse',
      holders: ['nvme', 'dm_mod'],
      message: 'in use',
    });
    assert.match(trouble({ status: { state } })?.message ?? '', /^used by nvme, dm_mod: in use/);
  });

  it('is not the end that a reboot made of the container before', () => {
    const beforeTools = { ...ended(refused) };
    beforeTools.terminated = { ...beforeTools.terminated!, finishedAt: '2026-01-01T00:00:00Z' };
    assert.equal(trouble({ status: { state: { running: {} }, lastState: beforeTools } }), undefined);
  });

  it('is not the end that a reboot made, before kubelet has made a new sandbox', () => {
    const pod = buildLoader('n1', { ready: false, status: { state: ended(refused) } });
    assert.equal(troubleOn(buildNode('n1', { boot: 'next' }), pod), undefined);
    assert.equal(troubleOn(buildNode('n1'), pod)?.reason, 'RequiredKeyNotAvailable');
  });

  it('is an end without a word too', () => {
    const state = {
      terminated: {
        exitCode: 127,
        reason: 'StartError',
        message: 'exec: no such file',
        finishedAt: '2026-01-01T00:00:09Z',
      },
    };
    assert.deepEqual(trouble({ status: { state } as LoaderOptions['status'] & object }), {
      reason: 'StartError',
      message: 'exec: no such file',
      patient: false,
    });
  });
});
