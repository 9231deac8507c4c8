import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { events, pods } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { isReady, namespace, startTestWorld, type TestWorld } from './test-world.ts';

/** Says `text` into the container's folder on the node, where tests read it. */
const untilStopped = `trap 'echo ended >"$ROOT/dev/termination-log"; exit 3' TERM; while :; do sleep 30 & wait; done`;

describe('A pod on the kubelet stand-in', () => {
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

  it('gives containers their volumes, variables and files, and init containers first', async () => {
    const script = `cat "$ROOT/shared/greeting" "$ROOT/etc/softdep.conf"; echo "$NODE $GREETING $HOSTNAME";
      cat "$ROOT/proc/sys/kernel/osrelease"; echo x 2>/dev/null >>"$ROOT/shared/greeting"; ls "$ROOT/lib/modules"`;
    await world.createPod(
      {
        restartPolicy: 'Never',
        initContainers: [
          {
            ...shell('echo "from init" >"$ROOT/shared/greeting"'),
            name: 'first',
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
          },
        ],
        containers: [
          shell(script, {
            env: [
              { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
              { name: 'GREETING', value: 'hello-$(NODE)' },
            ],
            volumeMounts: [
              { name: 'shared', mountPath: '/shared', readOnly: true },
              { name: 'order', mountPath: '/etc/softdep.conf', subPath: 'softdep.conf' },
              { name: 'modules', mountPath: '/lib/modules', readOnly: true },
            ],
          }),
        ],
        volumes: [
          { name: 'shared', emptyDir: {} },
          hostDirectory('modules', '/lib/modules', 'Directory'),
          {
            name: 'order',
            downwardAPI: {
              items: [{ path: 'softdep.conf', fieldRef: { fieldPath: "metadata.annotations['order']" } }],
            },
          },
        ],
      },
      { annotations: { order: 'softdep a pre: b\n' } },
    );
    const pod = await world.podUntil('p', 'succeeded', ({ status }) => status?.phase === 'Succeeded');
    const release = world.node.kernel.release;
    assert.equal(
      world.node.logs(pod, 'main').output,
      `from init\nsoftdep a pre: b\nn1 hello-n1 p\n${release}\n${release}\n`,
    );
    assert.equal(pod.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, 'Completed');
    assert.equal(pod.status?.conditions?.find(({ type }) => type === 'Initialized')?.status, 'True');
  });

  it('says why an image cannot be pulled, and pulls it once the Secret is right', async () => {
    const image = await world.push('private', []);
    await world.createPod({ containers: [shell(untilStopped, { image })], imagePullSecrets: [] });
    const failed = await world.podUntil('p', 'failed to pull', (pod) => reasonOf(pod) === 'ErrImagePull');
    assert.match(failed.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '', /private:v1/);
    assert.equal(failed.status?.phase, 'Pending');
    await world.podUntil('p', 'backs off', (pod) => reasonOf(pod) === 'ImagePullBackOff');
    await world.createPod({ containers: [shell(untilStopped, { image })] }, { name: 'q' });
    const ready = await world.podUntil('q', 'is ready', isReady);
    assert.match(ready.status?.containerStatuses?.[0]?.imageID ?? '', /\/private@sha256:[0-9a-f]{64}$/);
  });

  it('reports an image name that is none, and a program that the image does not have', async () => {
    await world.createPod({ containers: [shell('', { image: 'No Such/Name' })] });
    await world.podUntil('p', 'has an invalid image', (pod) => reasonOf(pod) === 'InvalidImageName');
    await world.createPod(
      { containers: [shell('', { command: ['/bin/none'] })], restartPolicy: 'Never' },
      { name: 'q' },
    );
    const pod = await world.podUntil('q', 'failed', ({ status }) => status?.phase === 'Failed');
    const ended = pod.status?.containerStatuses?.[0]?.state?.terminated;
    assert.deepEqual([ended?.exitCode, ended?.reason, ended?.startedAt], [128, 'StartError', '1970-01-01T00:00:00Z']);
  });

  it('waits for a hostPath that is not there, and says so in an event', async () => {
    await world.createPod({
      containers: [shell(untilStopped)],
      volumes: [hostDirectory('missing', '/lib/firmware', 'Directory')],
    });
    await eventually('an event', async () => {
      const { items } = await world.client.list(events, { namespace });
      return items.some(({ note }) => note.endsWith('hostPath type check failed: /lib/firmware is not a directory'));
    });
    const pod = await world.podUntil('p', 'is pending', ({ status }) => status?.phase === 'Pending');
    assert.equal(reasonOf(pod), 'ContainerCreating');
  });

  it('refuses a pod whose selector does not match the node', async () => {
    await world.createPod({ containers: [shell(untilStopped)], nodeSelector: { kernel: 'another' } });
    const pod = await world.podUntil('p', 'failed', ({ status }) => status?.phase === 'Failed');
    assert.equal(pod.status?.reason, 'NodeAffinity');
    assert.equal(pod.status?.containerStatuses, undefined);
    await world.client.delete(pods, { namespace, name: 'p' });
    await eventually('the pod is gone', async () => (await world.readPod('p')) === undefined);
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
    const { writeFile, rm } = await import('node:fs/promises');
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
    await world.podUntil('p', 'failed to start', (pod) => reasonOf(pod) === 'PostStartHookError');
    assert.equal(readFileSync(`${world.node.hostRoot}/run/life/post-start-hook`, 'utf8'), 'hook\n');
  });
});

function reasonOf(pod: {
  status?: { containerStatuses?: { state?: { waiting?: { reason?: string } } }[] };
}): string | undefined {
  return pod.status?.containerStatuses?.[0]?.state?.waiting?.reason;
}
