import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { events, pods } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { isReady, namespace, startTestWorld, type TestWorld } from './test-world.ts';

/** Ends by itself when it is told to, and says so. */
const untilStopped = `trap 'echo ended >"$ROOT/dev/termination-log"; exit 3' TERM; while :; do sleep 30 & wait; done`;

describe('The life of a pod on the kubelet stand-in', () => {
  let world: TestWorld;

  before(async () => {
    world = await startTestWorld();
  });

  after(() => world.stop());

  afterEach(async () => {
    for (const pod of (await world.client.list(pods, { namespace })).items) {
      await world.client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
    }
    await eventually('no container runs', () => world.node.runningContainers() === 0);
  });

  const shell = (script: string, more: object = {}) => ({
    name: 'main',
    image: world.shellImage,
    command: ['/bin/sh', '-c', script],
    ...more,
  });

  const hostDirectory = (name: string, path: string, type: string) => ({ name, hostPath: { path, type } });

  it('runs preStop, then ends the process, writes how it ended, and only then lets the object go', async () => {
    const preStop = { exec: { command: ['/bin/sh', '-c', 'echo hook >"$ROOT/out/hook"'] } };
    await world.createPod(
      {
        containers: [
          shell(untilStopped, { lifecycle: { preStop }, volumeMounts: [{ name: 'out', mountPath: '/out' }] }),
        ],
        volumes: [hostDirectory('out', '/run/life', 'DirectoryOrCreate')],
      },
      { finalizers: ['example.com/read-it'] },
    );
    await world.podUntil('p', 'is ready', isReady);
    await world.client.delete(pods, { namespace, name: 'p' });
    const ended = await world.podUntil('p', 'is over', (pod) => pod.status?.phase === 'Failed');
    const state = ended.status?.containerStatuses?.[0]?.state?.terminated;
    assert.equal(state?.exitCode, 3);
    assert.equal(state?.message, 'ended\n');
    assert.equal(readFileSync(`${world.node.hostRoot}/run/life/hook`, 'utf8'), 'hook\n');
    assert.equal(isReady(ended), false);
    const body = { metadata: { finalizers: null } };
    await world.client.patch(pods, { namespace, name: 'p' }, { type: 'merge', body });
    await eventually('the pod is gone', async () => (await world.readPod('p')) === undefined);
  });

  it('kills what ignores SIGTERM, as a process 1 without a handler does', async () => {
    await world.createPod(
      { containers: [shell('while :; do sleep 30; done')], terminationGracePeriodSeconds: 4 },
      {
        finalizers: ['example.com/read-it'],
      },
    );
    await world.podUntil('p', 'is ready', isReady);
    await world.client.delete(pods, { namespace, name: 'p' });
    const ended = await world.podUntil('p', 'is over', (pod) => pod.status?.phase === 'Failed');
    assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 137);
    await world.client.patch(pods, ended.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
  });

  it('restarts a failing container with growing pauses, and runs no preStop in CrashLoopBackOff', async () => {
    const preStop = { exec: { command: ['/bin/sh', '-c', 'echo hook >"$ROOT/out/crash-hook"'] } };
    const fail = 'echo "attempt failed" >"$ROOT/dev/termination-log"; exit 1';
    await world.createPod(
      {
        containers: [shell(fail, { lifecycle: { preStop }, volumeMounts: [{ name: 'out', mountPath: '/out' }] })],
        volumes: [hostDirectory('out', '/run/life', 'DirectoryOrCreate')],
      },
      { finalizers: ['example.com/read-it'] },
    );
    const waiting = await world.podUntil('p', 'waits for its second restart', (pod) => {
      const status = pod.status?.containerStatuses?.[0];
      return status?.restartCount === 2 && status.state?.waiting?.reason === 'CrashLoopBackOff';
    });
    const status = waiting.status?.containerStatuses?.[0];
    assert.match(
      status?.state?.waiting?.message ?? '',
      /^back-off 20s restarting failed container=main pod=p_default\(/,
    );
    assert.equal(status?.lastState?.terminated?.message, 'attempt failed\n');
    assert.equal(waiting.status?.phase, 'Running');
    await world.client.delete(pods, { namespace, name: 'p' });
    const ended = await world.podUntil('p', 'is over', (pod) => pod.status?.phase === 'Failed');
    assert.equal(ended.status?.containerStatuses?.[0]?.state?.terminated?.message, 'attempt failed\n');
    assert.equal(existsSync(`${world.node.hostRoot}/run/life/crash-hook`), false);
    await world.client.patch(pods, ended.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
  });

  it('runs no preStop for a pod that is deleted by force', async () => {
    const preStop = { exec: { command: ['/bin/sh', '-c', 'echo hook >"$ROOT/out/forced-hook"'] } };
    await world.createPod({
      containers: [shell(untilStopped, { lifecycle: { preStop }, volumeMounts: [{ name: 'out', mountPath: '/out' }] })],
      volumes: [hostDirectory('out', '/run/life', 'DirectoryOrCreate')],
    });
    await world.podUntil('p', 'is ready', isReady);
    await world.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    await eventually('no container runs', () => world.node.runningContainers() === 0);
    assert.equal(existsSync(`${world.node.hostRoot}/run/life/forced-hook`), false);
  });

  it('starts a killed container again without any hook, and pulls an image that is gone from the disk', async () => {
    const preStop = { exec: { command: ['/bin/sh', '-c', 'echo hook >"$ROOT/out/killed-hook"'] } };
    const pod = await world.createPod({
      containers: [shell(untilStopped, { lifecycle: { preStop }, volumeMounts: [{ name: 'out', mountPath: '/out' }] })],
      volumes: [hostDirectory('out', '/run/life', 'DirectoryOrCreate')],
    });
    await world.podUntil('p', 'is ready', isReady);
    await world.node.removeImage(world.shellImage);
    const pulls = () => world.registry.requests.filter(({ path }) => path.includes('/shell/manifests/')).length;
    const before = pulls();
    world.node.killContainer(pod, 'main');
    const again = await world.podUntil('p', 'is ready again', (each) => {
      return isReady(each) && each.status?.containerStatuses?.[0]?.restartCount === 1;
    });
    assert.equal(again.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
    assert.equal(existsSync(`${world.node.hostRoot}/run/life/killed-hook`), false);
    assert.ok(pulls() > before);
  });

  it('follows the readiness probe, and restarts what fails its liveness probe', async () => {
    const probe = (file: string) => ({
      exec: { command: ['/bin/sh', '-c', `[ -e "$ROOT/out/${file}" ]`] },
      periodSeconds: 2,
    });
    const script = `echo >"$ROOT/out/alive"; ${untilStopped}`;
    await world.createPod({
      containers: [
        shell(script, {
          readinessProbe: { ...probe('ready'), failureThreshold: 1 },
          livenessProbe: { ...probe('alive'), failureThreshold: 2, initialDelaySeconds: 4 },
          volumeMounts: [{ name: 'out', mountPath: '/out' }],
        }),
      ],
      volumes: [{ name: 'out', emptyDir: {} }],
    });
    const pod = await world.podUntil('p', 'runs', ({ status }) => status?.phase === 'Running');
    assert.equal(isReady(pod), false);
    const volume = `${world.node.hostRoot}/../pods/${pod.metadata.uid}/volumes/out`;
    await writeFile(`${volume}/ready`, '');
    await world.podUntil('p', 'is ready', isReady);
    await rm(`${volume}/ready`);
    await world.podUntil('p', 'is not ready', (each) => !isReady(each));
    await rm(`${volume}/alive`);
    const restarted = await world.podUntil(
      'p',
      'restarted',
      ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1,
    );
    assert.equal(restarted.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
  });

  it('ends a container whose postStart hook fails, with its preStop hook', async () => {
    const hook = (script: string) => ({ exec: { command: ['/bin/sh', '-c', script] } });
    const lifecycle = { postStart: hook('echo no; exit 1'), preStop: hook('echo hook >"$ROOT/out/post-start-hook"') };
    await world.createPod({
      containers: [shell(untilStopped, { lifecycle, volumeMounts: [{ name: 'out', mountPath: '/out' }] })],
      volumes: [hostDirectory('out', '/run/life', 'DirectoryOrCreate')],
    });
    await eventually('an event', async () => {
      const { items } = await world.client.list(events, { namespace });
      return items.some(({ reason }) => reason === 'FailedPostStartHook');
    });
    await world.podUntil('p', 'is tried again', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
    assert.equal(readFileSync(`${world.node.hostRoot}/run/life/post-start-hook`, 'utf8'), 'hook\n');
  });
});
