import assert from 'node:assert/strict';
import { configMaps, events, pods, secrets } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { isReady, namespace, startTestWorld, type TestWorld } from './test-world.ts';

const untilStopped = `trap 'exit 0' TERM; while :; do sleep 30 & wait; done`;

describe('The start of a pod on the kubelet stand-in', () => {
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

  it('mounts a Secret byte by byte: a certificate is no text', async () => {
    const bytes = Buffer.from([0x30, 0x82, 0xff, 0x00, 0x80]);
    const secret = { metadata: { namespace, name: 'certificate' }, data: { cert: bytes.toString('base64') } };
    await world.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', ...secret });
    await world.createPod({
      restartPolicy: 'Never',
      containers: [
        shell('od -An -tx1 "$ROOT/cert/cert" >"$ROOT/dev/termination-log"', {
          volumeMounts: [{ name: 'certificate', mountPath: '/cert', readOnly: true }],
        }),
      ],
      volumes: [{ name: 'certificate', secret: { secretName: 'certificate' } }],
    });
    const pod = await world.podUntil('p', 'has ended', ({ status }) => status?.phase === 'Succeeded');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.message?.trim(), '30 82 ff 00 80');
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

  it('mounts Secrets and ConfigMaps byte for byte: chosen keys, under their paths and modes, and what is optional as far as it is there', async () => {
    const metadata = (name: string) => ({ namespace, name });
    const bytes = Buffer.from([0x30, 0x82, 0xff, 0x00, 0xc3]);
    const data = { cert: bytes.toString('base64'), other: 'eA==' };
    await world.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: metadata('keys'), data });
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('files'), data: { dockerfile: 'FROM a' } };
    await world.client.create(configMaps, map);
    const items = [{ key: 'cert', path: 'deep/cert', mode: 0o400 }];
    const mount = (name: string) => ({ name, mountPath: `/mnt/${name}`, readOnly: true });
    const names = ['keys', 'files', 'absent', 'part'];
    const script = [
      'cd "$ROOT/mnt"',
      'od -An -tx1 keys/deep/cert',
      'export LC_ALL=C; ls keys keys/deep files absent part',
      'for file in keys/deep/cert files/dockerfile; do ls -lL "$file" | cut -c1-10; done',
      'cat files/dockerfile',
    ];
    await world.createPod({
      restartPolicy: 'Never',
      containers: [shell(script.join('; '), { volumeMounts: names.map(mount) })],
      volumes: [
        { name: 'keys', secret: { secretName: 'keys', items } },
        { name: 'files', configMap: { name: 'files', defaultMode: 0o755 } },
        { name: 'absent', secret: { secretName: 'absent', optional: true, items } },
        { name: 'part', configMap: { name: 'files', optional: true, items: [{ key: 'none', path: 'none' }] } },
      ],
    });
    const pod = await world.podUntil('p', 'succeeded', ({ status }) => status?.phase === 'Succeeded');
    const output = world.node
      .logs(pod, 'main')
      .output.split(/\s+/)
      .filter((word) => word !== '');
    const listed = 'absent: files: dockerfile keys: deep keys/deep: cert part:'.split(' ');
    const expected = ['30', '82', 'ff', '00', 'c3', ...listed, '-r--------', '-r-xr-xr-x', 'FROM', 'a'];
    assert.deepEqual(output, expected);
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
});

function reasonOf(pod: {
  status?: { containerStatuses?: { state?: { waiting?: { reason?: string } } }[] };
}): string | undefined {
  return pod.status?.containerStatuses?.[0]?.state?.waiting?.reason;
}
