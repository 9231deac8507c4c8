import assert from 'node:assert/strict';
import { clusterClaims, type Module, modules, parseReport } from '@open-cluster-management/api-types';
import { eventually } from '../e2e/world/eventually.ts';
import { type Fleet, operatorNamespace, pullSecret, spokeNamespace, startFleet } from '../e2e/world/fleet/fleet.ts';
import { embeddedServer } from '../e2e/world/fleet/plane.ts';
import { koFile, vermagicOf } from '../e2e/world/kernel/ko.ts';
import type { WorldNode } from '../e2e/world/node/node.ts';
import { buildModuleImage } from '../e2e/world/registry/module-image.ts';
import { buildPluginImage } from '../e2e/world/registry/plugin-image.ts';
import { scaledClock, systemClock } from '../shared/core/clock.ts';
import { silentLog } from '../shared/core/log.ts';
import type { KubeClient } from '../shared/kube/client.ts';
import { annotations, labels, readyLabel } from '../shared/kube/names.ts';
import type { DaemonSet, Node, Pod } from '../shared/kube/object.ts';
import { daemonSets, events, nodes, pods } from '../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../shared/kube/runtime.ts';
import type { Running } from '../shared/process/life.ts';
import { workerSchema } from './config.ts';
import { purposeOf } from './pods.ts';
import { startSpoke } from './start.ts';

const kernels = { a: '6.1.0-17-amd64', b: '6.1.0-18-amd64' } as const;
const ready = readyLabel(spokeNamespace, 'simple');
const pluginReady = ready.replace('.ready', '.device-plugin-ready');
const timeFactor = 10;

/** One real spoke program over a modelled cluster: real API, real scripts, modelled kernels. Each test begins with what the one before left. */
describe('The spoke', () => {
  let fleet: Fleet;
  let client: KubeClient;
  let program: Running;
  let spec: Module['spec'];
  const stopping = new AbortController();
  const at = { namespace: spokeNamespace, name: 'simple' };
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };

  before(async () => {
    const nodeSpecs = [kernels.a, kernels.b].map((release, index) => ({ name: `n${index + 1}`, kernel: { release } }));
    fleet = await startFleet({ spokes: [{ name: 's1', nodes: nodeSpecs }], runtime, timeFactor });
    const { plane } = fleet.spoke('s1');
    client = plane.client;
    spec = await specOf(fleet);
    program = await startSpoke({
      client: await plane.connect('kmm'),
      runtime,
      settings: { toolsImage: fleet.toolsImage, operatorNamespace, worker: workerSchema.parse({}) },
      managed: true,
      identity: 'test',
      signal: stopping.signal,
    });
  });
  after(async () => {
    stopping.abort();
    await program.stopped;
    await fleet.stop();
  });

  const node = (name: string): WorldNode => fleet.spoke('s1').node(name);
  const nodeObject = async (name: string): Promise<Node> => (await client.get(nodes, { name })) as Node;
  const isLabelled = async (name: string, key = ready) => key in ((await nodeObject(name)).metadata.labels ?? {});
  const isLoaded = (name: string) => node(name).kernel.isLoaded('simple_kmod');
  const readModule = () => client.get(modules, at);
  const listPods = async (): Promise<Pod[]> => (await client.list(pods, { namespace: spokeNamespace })).items;
  const listDaemonSets = async (): Promise<DaemonSet[]> =>
    (await client.list(daemonSets, { namespace: spokeNamespace })).items;
  const patchModule = (body: object) => client.patch(modules, at, { type: 'merge', body });
  const patchLabels = (name: string, change: Record<string, string | null>) =>
    client.patch(nodes, { name }, { type: 'merge', body: { metadata: { labels: change } } });
  const condition = (module: Module | undefined, type: string) =>
    module?.status?.conditions?.find((each) => each.type === type);
  const statusUntil = (expected: string, looks: (module: Module) => boolean) =>
    eventually(expected, async () => {
      const module = await readModule();
      if (module && looks(module)) return module;
      throw new Error(JSON.stringify(module?.status));
    });
  const isServed = (module: Module) =>
    condition(module, 'Ready')?.status === 'True' && module.status?.observedGeneration === module.metadata.generation;

  it('tells the hub the kernels of its nodes, and corrects what others make of it [165] [166] [167]', async () => {
    const name = 'kernel-versions.kmm.node.kubernetes.io';
    const value = async () => (await client.get(clusterClaims, { name }))?.spec.value;
    const expected = `${kernels.a}\n${kernels.b}`;
    await eventually('both kernels are claimed', async () => (await value()) === expected);
    await client.patch(clusterClaims, { name }, { type: 'merge', body: { spec: { value: 'edited' } } });
    await eventually('the edit is undone', async () => (await value()) === expected);
    await client.delete(clusterClaims, { name });
    await eventually('the deletion is undone', async () => (await value()) === expected);
  });

  it('loads on nodes of both kernels, runs the plugin there, and says so [21] [23] [38]', async () => {
    const metadata = { ...at, annotations: { [annotations.hubState]: '0123456789abcdef' } };
    await client.create(modules, { apiVersion: 'kmm.sigs.x-k8s.io/v1beta1', kind: 'Module', metadata, spec } as Module);
    const module = await statusUntil('everything is in place', isServed);
    assert.ok(isLoaded('n1') && isLoaded('n2'));
    const loaders = (await listDaemonSets()).filter((each) => purposeOf(each) === 'load');
    assert.deepEqual(loaders.map((each) => each.metadata.labels?.[labels.kernelVersion]).sort(), [
      kernels.a,
      kernels.b,
    ]);
    const counts = { nodesMatchingSelectorNumber: 2, desiredNumber: 2, availableNumber: 2 };
    assert.deepEqual(module.status?.moduleLoader, counts);
    assert.deepEqual(module.status?.devicePlugin, counts);
    assert.equal(module.status?.observedState, '0123456789abcdef');
    assert.deepEqual(parseReport(module.status?.report ?? '')?.nodes, [2, 2, 0, 0]);
    assert.equal((await nodeObject('n1')).metadata.labels?.[labels.kernelVersion], kernels.a);
  });

  it('has one device plugin where the module is loaded, labels follow it, counts are true [95] [96] [106]', async () => {
    const plugins = (await listDaemonSets()).filter((each) => purposeOf(each) === 'device-plugin');
    assert.equal(plugins.length, 1);
    assert.equal(plugins[0]?.spec.template.spec?.nodeSelector?.[ready], '');
    for (const name of ['n1', 'n2']) await eventually(`${name} says so`, () => isLabelled(name, pluginReady));
  });

  it('has told it by one event for each node [55]', async () => {
    const { items } = await client.list(events, { namespace: 'default' });
    const told = items
      .filter(({ reason }) => reason.startsWith('Module'))
      .map(({ reason, regarding }) => [reason, regarding.name]);
    assert.deepEqual(told.sort(), [
      ['ModuleLoaded', 'n1'],
      ['ModuleLoaded', 'n2'],
    ]);
  });

  it('asks for nothing and writes nothing when nothing happens [T30]', async () => {
    const { requests } = embeddedServer(fleet.spoke('s1').plane);
    await quiet(requests);
    requests.clear();
    await eventually('half a minute has passed', passed(clock, 30_000));
    const asked = requests.matching({ user: 'kmm' }).filter(({ verb }) => verb !== 'watch');
    assert.deepEqual(asked, []);
  });

  it('is not troubled by a cordon or a NoSchedule taint [2] [T27]', async () => {
    await node('n1').cordon();
    await node('n1').taint({ key: 'maintenance', effect: 'NoSchedule' });
    await eventually('half half a minute has passed', passed(clock, 30_000));
    assert.ok(isLoaded('n1') && (await isLabelled('n1')));
    assert.equal((await readModule())?.status?.moduleLoader?.availableNumber, 2);
    await node('n1').uncordon();
    await node('n1').untaint('maintenance');
  });

  it('loads again after a reboot, into the same kernel and into another one [22] [45] [47]', async () => {
    await node('n2').reboot();
    const { bootId } = node('n2').kernel;
    await eventually(
      'n2 has it again',
      async () => (await bootOf(nodeObject, 'n2')) === bootId && (await isLabelled('n2')),
    );
    assert.ok(isLoaded('n2'));
    await eventually('both changes are told', async () => {
      const { items } = await client.list(events, { namespace: 'default' });
      const told = items.filter(({ regarding }) => regarding.name === 'n2').map(({ reason }) => reason);
      return told.sort().join() === 'ModuleLoaded,ModuleLoaded,ModuleUnloaded';
    });
    await node('n1').reboot({ kernel: { release: kernels.b } });
    const module = await statusUntil(
      'all run kernel b',
      (each) => each.status?.kernels?.[0]?.loaded === 2 && isServed(each),
    );
    assert.equal(module.status?.kernels?.[0]?.kernelVersion, kernels.b);
    assert.ok(isLoaded('n1'));
  });

  it('removes the DaemonSet of a kernel that no node runs any more [50] [T25]', async () => {
    await eventually('one loader is left', async () => {
      const loaders = (await listDaemonSets()).filter((each) => purposeOf(each) === 'load');
      return loaders.length === 1 && loaders[0]?.metadata.labels?.[labels.kernelVersion] === kernels.b;
    });
  });

  it('unloads and loads again for a changed parameter, one node at a time, the plugin first [46] [100] [T12]', async () => {
    const history = ['n1', 'n2'].map((name) => node(name).kernel.history.length);
    const watched = watchService(client, () => [isLoaded('n1'), isLoaded('n2')]);
    const { modprobe } = spec.moduleLoader!.container;
    await patchModule({
      spec: { moduleLoader: { container: { modprobe: { ...modprobe, parameters: ['debug=1'] } } } },
    });
    await statusUntil('the new parameter is everywhere', isServed);
    const seen = await watched.stop();
    assert.ok(!seen.some((loaded) => loaded.every((each) => !each)), 'both nodes were out of service at once');
    for (const [index, name] of ['n1', 'n2'].entries()) {
      const calls = node(name).kernel.history.slice(history[index]);
      assert.deepEqual(
        calls.map(({ call, errno }) => [call, errno]),
        [
          ['remove', undefined],
          ['insert', undefined],
        ],
      );
      assert.equal(calls[1]?.parameters, 'debug=1');
    }
  });

  it('touches no node for a new plugin image, and counts only the new plugin [105]', async () => {
    const history = node('n1').kernel.history.length;
    const image = (await fleet.push('plugin', '2', await buildPluginImage({ comment: '2' }))).pinned;
    await patchModule({ spec: { devicePlugin: { container: { image } } } });
    await statusUntil('the new plugin runs', isServed);
    assert.equal(node('n1').kernel.history.length, history);
    const plugins = (await listPods()).filter((pod) => purposeOf(pod) === 'device-plugin');
    assert.deepEqual(new Set(plugins.map((pod) => pod.spec.containers[0]?.image)), new Set([image]));
  });

  it('unloads where the labels are lost, refuses while the module is in use, and names its users [44] [206]', async () => {
    await node('n1').kernel.hold('simple_kmod');
    await patchLabels('n1', { 'example.com/kmod': null });
    const module = await statusUntil(
      'the user is named',
      (each) => condition(each, 'Ready')?.reason === 'UnloadFailed',
    );
    const [error] = parseReport(module.status?.report ?? '')?.errors ?? [];
    assert.equal(error?.node, 'n1');
    assert.equal(error?.reason, 'ModuleInUse');
    assert.match(error?.message ?? '', /simple_kmod is in use/);
    assert.ok(isLoaded('n1'));
    assert.equal(await isLabelled('n1'), false);
    await eventually('a pod of its own tries again', async () =>
      (await listPods()).some((pod) => purposeOf(pod) === 'unload'),
    );
  });

  it('unloads as soon as nobody uses it, and leaves no pod behind [39] [52]', async () => {
    await node('n1').kernel.releaseHold('simple_kmod');
    await eventually('n1 is unloaded', () => !isLoaded('n1'));
    await eventually('its pods are gone', async () => !(await listPods()).some((pod) => pod.spec.nodeName === 'n1'));
    await statusUntil('the rest is in place', isServed);
    await patchLabels('n1', { 'example.com/kmod': '' });
    await eventually('n1 has it again', () => isLabelled('n1'));
  });

  it("shows modprobe's own line while a node cannot load, and tries the mended Module at once [52] [205]", async () => {
    await patchModule({ spec: { moduleLoader: { container: { modprobe: { moduleName: 'absent' } } } } });
    const failed = await statusUntil('the failure shows', (each) => condition(each, 'Ready')?.reason === 'LoadFailed');
    const [error] = parseReport(failed.status?.report ?? '')?.errors ?? [];
    assert.equal(error?.reason, 'ModuleNotFound');
    assert.match(error?.message ?? '', /modprobe: FATAL: Module absent not found/);
    assert.deepEqual(parseReport(failed.status?.report ?? '')?.nodes, [2, 0, 1, 0]);
    assert.notEqual(isLoaded('n1'), isLoaded('n2'), 'the failed node did not stop the other');
    await patchModule({ spec: { moduleLoader: { container: { modprobe: { moduleName: 'simple_kmod' } } } } });
    await statusUntil('all is well again', isServed);
    assert.ok(isLoaded('n1') && isLoaded('n2'));
  });

  it('only runs the plugin when there is nothing to load, and takes what was loaded away first [51] [107]', async () => {
    await patchModule({ spec: { moduleLoader: null } });
    const module = await statusUntil(
      'only the plugin is left',
      (each) => isServed(each) && each.status?.moduleLoader === undefined,
    );
    assert.equal(module.status?.devicePlugin?.availableNumber, 2);
    await eventually('both nodes are unloaded', () => !isLoaded('n1') && !isLoaded('n2'));
    await patchModule({ spec: { moduleLoader: spec.moduleLoader } });
    await statusUntil(
      'all is loaded again',
      (each) => isServed(each) && each.status?.moduleLoader?.availableNumber === 2,
    );
  });

  it('removes the plugin and its counts with its section [101] [107]', async () => {
    await patchModule({ spec: { devicePlugin: null } });
    await statusUntil('its counts are gone', (each) => each.status?.devicePlugin === undefined);
    await eventually(
      'its pods are gone',
      async () => !(await listPods()).some((pod) => purposeOf(pod) === 'device-plugin'),
    );
    for (const name of ['n1', 'n2'])
      await eventually('its label is gone', async () => !(await isLabelled(name, pluginReady)));
    await patchModule({ spec: { devicePlugin: spec.devicePlugin } });
    await statusUntil('it is back', (each) => isServed(each) && each.status?.devicePlugin?.availableNumber === 2);
  });

  it('unloads everywhere before a deleted Module goes, and leaves nothing behind [42] [43]', async () => {
    await node('n2').kernel.hold('simple_kmod');
    await client.delete(modules, at);
    await statusUntil('it waits for n2', (each) => /n2: ModuleInUse/.test(condition(each, 'Ready')?.message ?? ''));
    await eventually('n1 is unloaded', () => !isLoaded('n1'));
    assert.ok(isLoaded('n2'));
    await node('n2').kernel.releaseHold('simple_kmod');
    await eventually('the Module is gone', async () => (await readModule()) === undefined);
    assert.equal(isLoaded('n2'), false);
    await eventually('all is gone', async () => (await listPods()).length + (await listDaemonSets()).length === 0);
    for (const name of ['n1', 'n2']) {
      assert.equal(await isLabelled(name), false);
      await eventually(
        'no record is left',
        async () => (await nodeObject(name)).metadata.annotations?.[annotations.loadedBoots] === undefined,
      );
    }
  });

  it('leaves a DaemonSet of its name that somebody else made alone, and says so', async () => {
    const foreign = foreignDaemonSet();
    await client.create(daemonSets, foreign);
    const metadata = { ...at, name: 'other' };
    await client.create(modules, {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind: 'Module',
      metadata,
      spec: { ...spec, moduleLoader: undefined },
    } as Module);
    const read = () => client.get(modules, metadata);
    const module = await eventually('it is reported', async () => {
      const present = await read();
      return condition(present, 'Ready')?.reason === 'ForeignDaemonSet' ? present : undefined;
    });
    assert.match(condition(module, 'Ready')?.message ?? '', /other-device-plugin exists and is not ours/);
    const present = await client.get(daemonSets, foreign.metadata);
    assert.deepEqual(present?.spec.template.spec?.containers[0]?.image, 'example.com/theirs:1');
    assert.equal(present?.metadata.ownerReferences, undefined);
  });
});

async function specOf(fleet: Fleet): Promise<Module['spec']> {
  const release = (kernel: string) => ({
    'simple_kmod.ko': koFile({ name: 'simple_kmod', vermagic: vermagicOf(kernel) }),
  });
  const image = await buildModuleImage({
    kernels: { [kernels.a]: release(kernels.a), [kernels.b]: release(kernels.b) },
  });
  const { name } = await fleet.push('simple', 'all', image);
  const plugin = await fleet.push('plugin', '1', await buildPluginImage());
  for (const each of ['n1', 'n2']) {
    const body = { metadata: { labels: { 'example.com/kmod': '' } } };
    await fleet.spoke('s1').plane.client.patch(nodes, { name: each }, { type: 'merge', body });
  }
  return {
    selector: { 'example.com/kmod': '' },
    imageRepoSecret: { name: pullSecret },
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'simple_kmod', dirName: '/opt' },
        kernelMappings: [{ regexp: '^6\\.1\\.0-', containerImage: name }],
      },
    },
    devicePlugin: { container: { image: plugin.name } },
  } as Module['spec'];
}

function foreignDaemonSet(): DaemonSet {
  const matchLabels = { app: 'theirs' };
  const template = {
    metadata: { labels: matchLabels },
    spec: { nodeSelector: { none: '' }, containers: [{ name: 'c', image: 'example.com/theirs:1' }] },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: spokeNamespace, name: 'other-device-plugin' },
    spec: { selector: { matchLabels }, template },
  };
}

async function bootOf(read: (name: string) => Promise<Node>, name: string): Promise<string | undefined> {
  return (await read(name)).status?.nodeInfo?.bootID;
}

/** Whether so much time has passed on `clock` since this call. */
function passed(clock: { now(): number }, durationMs: number): () => boolean {
  const began = clock.now();
  return () => clock.now() - began >= durationMs;
}

/** Waits until the spoke has had nothing to say for a while. */
async function quiet(requests: {
  total: number;
  matching(pattern: object): readonly { verb: string }[];
}): Promise<void> {
  let before = -1;
  let calm = 0;
  await eventually('the spoke is quiet', () => {
    const now = requests.matching({ user: 'kmm' }).filter(({ verb }) => verb !== 'watch').length;
    calm = now === before ? calm + 1 : 0;
    before = now;
    return calm >= 20;
  });
}

/** Notes with every change of a Pod what `look` sees. */
function watchService(client: KubeClient, look: () => boolean[]): { stop(): Promise<boolean[][]> } {
  const seen: boolean[][] = [];
  const abort = new AbortController();
  const run = async () => {
    const { metadata } = await client.list(pods);
    const changes = client.watch(pods, { resourceVersion: metadata.resourceVersion, signal: abort.signal });
    for await (const _ of changes) seen.push(look());
  };
  const running = run();
  return {
    async stop() {
      abort.abort();
      await running;
      return seen;
    },
  };
}
