import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Pod } from '../../../shared/kube/object.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { isReady, namespace, startTestWorld, type TestWorld } from './test-world.ts';

const untilStopped = `trap 'exit 0' TERM; while :; do sleep 30 & wait; done`;
const hook = (script: string) => ({ exec: { command: ['/bin/sh', '-c', script] } });

describe('The node stand-in', () => {
  let world: TestWorld;

  beforeEach(async () => {
    world = await startTestWorld({ labels: { zone: 'a' }, taints: [{ key: 'busy', effect: 'NoSchedule' }] });
  });

  afterEach(() => world.stop());

  /** A pod that is ready while `/run/t` of the node has a file `ready`, and writes a file when preStop runs. */
  const createPod = (metadata: Partial<Pod['metadata']> = {}) =>
    world.createPod(
      {
        containers: [
          {
            name: 'main',
            image: world.shellImage,
            command: ['/bin/sh', '-c', `echo >"$ROOT/out/ready"; ${untilStopped}`],
            lifecycle: { preStop: hook('echo hook >"$ROOT/out/hook"') },
            readinessProbe: { ...hook('[ -e "$ROOT/out/ready" ]'), periodSeconds: 5 },
            volumeMounts: [{ name: 'out', mountPath: '/out' }],
          },
        ],
        volumes: [{ name: 'out', hostPath: { path: '/run/t', type: 'DirectoryOrCreate' } }],
      },
      metadata,
    );
  const hookRan = () => existsSync(`${world.node.hostRoot}/run/t/hook`);
  const containerOf = (pod: Pod) => pod.status?.containerStatuses?.[0];
  const readNode = async () => {
    const node = await world.client.get(nodes, { name: 'n1' });
    assert(node);
    return node;
  };

  /** Each status that is written to the pod from now on: whether it says ready. */
  const readinessOf = async (name: string) => {
    const seen: boolean[] = [];
    const watch = new AbortController();
    const { resourceVersion } = (await world.client.list(pods, { namespace })).metadata;
    const watching = (async () => {
      for await (const event of world.client.watch(pods, { namespace, resourceVersion, signal: watch.signal })) {
        if (event.type === 'MODIFIED' && event.object.metadata.name === name) seen.push(isReady(event.object));
      }
    })();
    const end = async () => {
      watch.abort();
      await watching;
    };
    return { seen, end };
  };

  it('registers with its labels, taints, kernel and boot id', async () => {
    const { metadata, spec, status } = await readNode();
    assert.equal(metadata.labels?.['kubernetes.io/hostname'], 'n1');
    assert.equal(metadata.labels?.['zone'], 'a');
    assert.deepEqual(spec?.taints, [{ key: 'busy', effect: 'NoSchedule' }]);
    assert.equal(status?.nodeInfo?.kernelVersion, '5.14.0-1.el9.x86_64');
    assert.equal(status?.nodeInfo?.bootID, world.node.kernel.bootId);
    assert.equal(status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
  });

  it('reboots: no hook runs, and the old pod starts again while the API still tells the old kernel', async () => {
    await createPod();
    const before = await world.podUntil('p', 'is ready', isReady);
    const bootId = world.node.kernel.bootId;
    const isRestarted = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount === 1;
    await world.node.reboot({
      kernel: { release: '5.14.0-2.el9.x86_64' },
      beforeNodeStatus: async () => {
        assert.equal(isReady((await world.readPod('p')) as Pod), true, 'the last status from before the reboot stays');
        await world.podUntil('p', 'started again', isRestarted);
        assert.equal((await readNode()).status?.nodeInfo?.bootID, bootId);
      },
    });
    const { status } = await readNode();
    assert.equal(status?.nodeInfo?.kernelVersion, '5.14.0-2.el9.x86_64');
    assert.notEqual(status?.nodeInfo?.bootID, bootId);
    const after = await world.podUntil('p', 'is ready', (pod) => isRestarted(pod) && isReady(pod));
    assert.notEqual(containerOf(after)?.containerID, containerOf(before)?.containerID);
    assert.equal(containerOf(after)?.lastState?.terminated?.exitCode, 255);
    assert.equal(hookRan(), false);
    assert.equal(readFileSync(`${world.node.hostRoot}/proc/sys/kernel/osrelease`, 'utf8'), '5.14.0-2.el9.x86_64\n');
  });

  it('can also write its status first, and take the pods up later', async () => {
    await createPod();
    await world.podUntil('p', 'is ready', isReady);
    const { promise, resolve } = Promise.withResolvers<void>();
    await world.node.reboot({ beforePods: () => promise });
    assert.equal((await readNode()).status?.nodeInfo?.bootID, world.node.kernel.bootId);
    const stale = await world.readPod('p');
    assert.equal(containerOf(stale as Pod)?.restartCount, 0);
    resolve();
    await world.podUntil('p', 'started again', (pod) => containerOf(pod)?.restartCount === 1 && isReady(pod));
  });

  it('restarts kubelet: the container goes on, and is not ready until it was probed again', async () => {
    await createPod();
    const before = await world.podUntil('p', 'is ready', isReady);
    const { seen, end } = await readinessOf('p');
    await world.node.restartKubelet();
    await eventually('not ready, then ready', () => seen.join() === 'false,true');
    await end();
    const after = await world.podUntil('p', 'is ready', isReady);
    assert.equal(containerOf(after)?.containerID, containerOf(before)?.containerID);
  });

  it('leaves readiness alone over a restart of a kubelet of 1.35 or later', async () => {
    await createPod();
    await world.podUntil('p', 'is ready', isReady);
    const { seen, end } = await readinessOf('p');
    await world.node.restartKubelet({ readinessFlap: false });
    // What takes a whole new pod longer than a look at the old one has happened by then.
    await createPod({ name: 'q' });
    await world.podUntil('q', 'is ready', isReady);
    await end();
    assert.deepEqual(seen, []);
  });

  it('ends a pod that was deleted while kubelet was down, with its hook, when it comes back', async () => {
    await createPod();
    await world.podUntil('p', 'is ready', isReady);
    await world.node.stopKubelet();
    await world.client.delete(pods, { namespace, name: 'p' });
    assert.equal(world.node.runningContainers(), 1);
    assert.equal(hookRan(), false);
    await world.node.startKubelet();
    await eventually('the pod is gone', async () => (await world.readPod('p')) === undefined);
    assert.equal(hookRan(), true);
    assert.equal(world.node.runningContainers(), 0);
  });

  it('kills what is left of a pod that vanished while kubelet was down', async () => {
    await createPod();
    await world.podUntil('p', 'is ready', isReady);
    await world.node.stopKubelet();
    await world.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    await world.node.startKubelet();
    await eventually('no container runs', () => world.node.runningContainers() === 0);
    assert.equal(hookRan(), false);
  });

  it('is cordoned and tainted as by kubectl', async () => {
    await world.node.cordon();
    await world.node.taint({ key: 'out', effect: 'NoExecute' });
    const cordoned = await readNode();
    assert.equal(cordoned.spec?.unschedulable, true);
    const keys = cordoned.spec?.taints?.map(({ key }) => key);
    assert.deepEqual(keys, ['busy', 'node.kubernetes.io/unschedulable', 'out']);
    await world.node.uncordon();
    await world.node.untaint('out');
    const { spec } = await readNode();
    assert.equal(spec?.unschedulable, undefined);
    assert.deepEqual(spec?.taints, [{ key: 'busy', effect: 'NoSchedule' }]);
  });
});
