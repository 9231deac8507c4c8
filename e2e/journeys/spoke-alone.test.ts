import assert from 'node:assert/strict';
import { clusterClaims, type Module, type ModuleSpec, modules, parseReport } from '@open-cluster-management/api-types';
import { scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { labels, readyLabel } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import { daemonSets, events, networkPolicies, nodes, pods, secrets } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import type { Running } from '../../shared/process/life.ts';
import { workerSchema } from '../../spoke/config.ts';
import { isPodReady, purposeOf } from '../../spoke/pods.ts';
import { startSpoke } from '../../spoke/start.ts';
import { eventually } from '../world/eventually.ts';
import { pushPlugin } from '../world/fleet/drivers.ts';
import {
  type Fleet,
  operatorNamespace,
  programUsers,
  pullSecret,
  spokeNamespace,
  startFleet,
} from '../world/fleet/fleet.ts';
import { loadedModules } from '../world/fleet/observe.ts';
import { koFile, vermagicOf } from '../world/kernel/ko.ts';
import { buildModuleImage, type ModuleImageOptions } from '../world/registry/module-image.ts';
import { kernels } from './stage.ts';

const timeFactor = 10;
/** Kubernetes forgets the pods of a node that is gone after 40 s, and looks every 20 s; real time. */
const podsOfLostNodeMs = 150_000;
/** What the node with that kernel reports. */
const releaseOf = (kernel: string) => (kernel === kernels.debian ? `${kernel}+` : kernel);
const ready = (namespace = spokeNamespace) => readyLabel(namespace, 'nic');

describe('a cluster without a hub, whose Modules its own admin writes', () => {
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: Math.random, log: silentLog, meters: silentMeters };
  let fleet: Fleet;
  let program: Running;
  const stopping = new AbortController();

  const plane = () => fleet.spoke('s1').plane;
  const node = (name: string) => fleet.spoke('s1').node(name);
  const loaded = (name: string) => loadedModules(fleet, 's1', name);
  const read = (namespace = spokeNamespace) => plane().client.get(modules, { namespace, name: 'nic' });
  const reportOf = async () => parseReport((await read())?.status?.report ?? '');
  const listPods = async () => (await plane().client.list(pods)).items;
  const hasLabel = async (name: string, label = ready()) =>
    (await plane().client.get(nodes, { name }))?.metadata.labels?.[label] === '';
  const remove = (propagationPolicy: 'Background' | 'Foreground' = 'Background') =>
    plane().client.delete(modules, { namespace: spokeNamespace, name: 'nic' }, { propagationPolicy });
  const isGone = async () => (await read()) === undefined;
  const createModule = (spec: Partial<ModuleSpec>, namespace = spokeNamespace) =>
    plane().client.create(modules, {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind: 'Module',
      metadata: { namespace, name: 'nic' },
      spec: { selector: { 'node-role.kubernetes.io/worker': '' }, imageRepoSecret: { name: pullSecret }, ...spec },
    } as Module);
  const statusUntil = (expected: RegExp, namespace = spokeNamespace) =>
    eventually(`Ready is ${expected}`, async () => {
      const module = await read(namespace);
      const condition = module?.status?.conditions?.find(({ type }) => type === 'Ready');
      const current = module?.status?.observedGeneration === module?.metadata.generation;
      if (module && current && expected.test(`${condition?.status} ${condition?.reason}`)) return module;
      throw new Error(JSON.stringify(module?.status));
    });
  const push = async (tag: string, module: string, options: Partial<ModuleImageOptions> & { on?: string[] } = {}) => {
    const { on = Object.values(kernels), ...others } = options;
    const files = on.map((kernel) => [
      kernel,
      module === '' ? {} : { [`${module}.ko`]: koFile({ name: module, vermagic: vermagicOf(releaseOf(kernel)) }) },
    ]);
    const image = await buildModuleImage({ kernels: Object.fromEntries(files), ...others });
    return (await fleet.push('drivers/nic', tag, image)).name;
  };
  const loaderOf = (containerImage: string, modprobe: object = {}) => ({
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'nic', dirName: '/opt', ...modprobe },
        kernelMappings: [{ regexp: '^.+$', containerImage }],
      },
    },
  });
  /** Pods with labels that ours could be taken for: the component is what other operators label theirs with (trap T22). */
  const createForeignPods = async (namespace: string) => {
    const component = 'app.kubernetes.io/component';
    const foreign: Record<string, string>[] = [
      { [component]: 'worker' },
      { [component]: 'device-plugin' },
      { [labels.moduleName]: 'nic' },
    ];
    for (const [index, each] of foreign.entries()) {
      await plane().client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace, name: `foreign-${index}`, labels: each },
        // Nobody runs them.
        spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'example.invalid/nothing:1' }] },
      });
    }
  };
  /** What each NetworkPolicy of the namespace applies to, by the API server's own reading of its selector. */
  const selectedBy = async (namespace: string) => {
    const { items } = await plane().client.list(networkPolicies, { namespace });
    const each = items.map(async ({ metadata, spec }) => {
      const { matchLabels = {}, matchExpressions = [] } = spec?.podSelector ?? {};
      const labelSelector = [
        ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
        ...matchExpressions.map(({ key, operator }) => (operator === 'Exists' ? key : `!${key}`)),
      ].join();
      const selected = (await plane().client.list(pods, { namespace, labelSelector })).items;
      return [metadata.name, selected.map(purposeOf)] as const;
    });
    return Object.fromEntries(await Promise.all(each));
  };
  const edit = (spec: object) =>
    plane().client.patch(modules, { namespace: spokeNamespace, name: 'nic' }, { type: 'merge', body: { spec } });

  before(async () => {
    const releases = [kernels.el9, kernels.el9Next, releaseOf(kernels.debian)];
    const nodeSpecs = releases.map((release, index) => ({ name: `n${index + 1}`, kernel: { release } }));
    fleet = await startFleet({ spokes: [{ name: 's1', nodes: nodeSpecs }], runtime, timeFactor });
    await fleet.spoke('s1').disconnect();
    program = await startSpoke({
      client: await plane().connect(programUsers.spoke),
      runtime,
      settings: { toolsImage: fleet.toolsImage, operatorNamespace, worker: workerSchema.parse({}) },
      managed: false,
      identity: 'spoke-1',
      signal: stopping.signal,
    });
  });
  after(async () => {
    stopping.abort();
    await program.stopped;
    await fleet.stop();
  });

  it('serves several kernels by literals and regular expressions, the first that matches, and claims nothing [5] [6] [21]', async () => {
    const [el, deb] = [await push('el9', 'nic'), await push('deb', 'nic', { comment: 'deb' })];
    const kernelMappings = [
      { literal: kernels.debian, containerImage: deb },
      { regexp: '\\.el9_[45]\\.', containerImage: el },
      { regexp: '.', containerImage: 'example.invalid/never:1' },
    ];
    const { container } = loaderOf(el).moduleLoader;
    await createModule({ moduleLoader: { container: { ...container, kernelMappings } } } as Partial<ModuleSpec>);
    const module = await statusUntil(/^True/);
    const images = Object.fromEntries(
      module.status!.kernels!.map(({ kernelVersion, image }) => [kernelVersion, image]),
    );
    assert.deepEqual(images, { [kernels.el9]: el, [kernels.el9Next]: el, [kernels.debian]: deb });
    for (const name of ['n1', 'n2', 'n3']) assert.deepEqual(loaded(name), ['nic']);
    assert.deepEqual((await plane().client.list(clusterClaims)).items, []);
  });

  it('keeps label and module through a restart of kubelet, though its pods flap', async () => {
    const told = watching(
      async (seen: { labelled: boolean[]; ready: boolean[] }, signal) => {
        const { client } = plane();
        const { metadata } = await client.list(nodes);
        const from = { resourceVersion: metadata.resourceVersion, signal };
        const each = async (changes: AsyncIterable<{ object: unknown }>, note: (object: never) => void) => {
          for await (const { object } of changes) note(object as never);
        };
        await Promise.all([
          each(client.watch(nodes, from), ({ metadata: { name, labels: present } }: Node) => {
            if (name === 'n1') seen.labelled.push(present?.[ready()] === '');
          }),
          each(client.watch(pods, from), (pod: Pod) => {
            if (pod.spec.nodeName === 'n1' && purposeOf(pod) === 'load') seen.ready.push(isPodReady(pod));
          }),
        ]);
      },
      { labelled: [], ready: [] },
    );
    const before = node('n1').kernel.history.length;
    await node('n1').restartKubelet();
    await eventually(
      'the pod was not Ready for a while',
      () => told.seen.ready.includes(false) && told.seen.ready.at(-1),
    );
    await statusUntil(/^True/);
    await told.stop();
    assert.ok(!told.seen.labelled.includes(false), 'the label fell');
    assert.equal(node('n1').kernel.history.length, before);
  });

  it('removes the DaemonSet of the kernel that the last node of it has left, and no other [50]', async () => {
    const present = async () =>
      (await plane().client.list(daemonSets)).items
        .map(({ metadata }) => metadata.labels?.[labels.kernelVersion])
        .sort();
    assert.deepEqual(await present(), [kernels.el9, kernels.el9Next, kernels.debian].sort());
    await node('n2').cordon();
    await node('n1').reboot({ kernel: { release: kernels.el9Next } });
    await eventually('only two kernels are left', async () => (await present()).length === 2);
    assert.deepEqual(await present(), [kernels.el9Next, kernels.debian].sort());
    await eventually('n1 is in service', async () => loaded('n1').includes('nic') && (await hasLabel('n1')));
    await node('n2').uncordon();
  });

  it('forgets a node that is taken out of the cluster with the module loaded, and serves it when it is back', async () => {
    await node('n3').stopKubelet();
    await plane().client.delete(nodes, { name: 'n3' });
    await eventually(
      'nothing waits for n3',
      async () => !(await listPods()).some((pod) => pod.spec.nodeName === 'n3'),
      podsOfLostNodeMs,
    );
    assert.equal((await statusUntil(/^True/)).status?.moduleLoader?.desiredNumber, 2);
    await node('n3').startKubelet();
    await fleet.spoke('s1').labelNode('n3');
    await eventually('n3 is labelled', () => hasLabel('n3'));
    assert.equal(node('n3').kernel.history.filter(({ call }) => call === 'insert').length, 1);
  }).timeout(2 * podsOfLostNodeMs);

  it('goes, deleted in the foreground too, only when nobody uses the module any more [42] [43]', async () => {
    await node('n1').kernel.hold('nic');
    await remove('Foreground');
    await eventually('the others are unloaded', () => loaded('n2').length + loaded('n3').length === 0);
    await eventually('a pod of its own is at work', async () =>
      (await listPods()).some((pod) => purposeOf(pod) === 'unload'),
    );
    assert.deepEqual(loaded('n1'), ['nic']);
    assert.ok(!(await isGone()));
    await node('n1').kernel.releaseHold('nic');
    await eventually('it is gone', isGone);
    assert.deepEqual(loaded('n1'), []);
  });

  it('loads from any dirName out of an image with no more than modprobe and sleep [53] [29]', async () => {
    await createModule(loaderOf(await push('drivers', 'nic', { dirName: '/drivers' }), { dirName: '/drivers' }));
    await statusUntil(/^True/);
    assert.deepEqual(loaded('n1'), ['nic']);
  });

  it('names what an image lacks: the file, or what depmod makes of it [53] [205]', async () => {
    const reasonOf = async () => (await reportOf())?.errors?.[0];
    await edit(loaderOf(await push('empty', '')));
    await eventually('the file is missing', async () => (await reasonOf())?.reason === 'ModuleNotFound');
    await edit(loaderOf(await push('nodep', 'nic', { modulesDep: false })));
    await eventually('depmod was not run', async () => (await reasonOf())?.reason === 'NoModulesDep');
    assert.match((await reasonOf())?.message ?? '', /depmod -b \/opt/);
  });

  it('goes when it is deleted while its last image can never be pulled [43]', async () => {
    await edit(loaderOf(`${fleet.registry.host}/drivers/nic:absent`));
    await statusUntil(/^False LoadFailed/);
    const asked = async () =>
      (await plane().requests(programUsers.spoke)).filter(({ verb }) => verb !== 'watch').length;
    await eventually('it says why', async () => (await reportOf())?.errors?.[0]?.reason === 'ImagePullBackOff');
    const before = await asked();
    const sinceMs = clock.now();
    await eventually('kubelet has tried again', () => clock.now() - sinceMs > 60_000);
    assert.equal(await asked(), before, 'it says the same again and again');
    await remove();
    await eventually('it is gone', isGone);
    await eventually('no pod is left', async () => (await listPods()).length === 0);
    for (const name of ['n1', 'n2', 'n3']) assert.deepEqual(loaded(name), []);
  });

  it('keeps Modules of one name in two namespaces apart [T13] [T14]', async () => {
    await plane().createNamespace('other');
    const secret = await plane().client.get(secrets, { namespace: spokeNamespace, name: pullSecret });
    await plane().client.create(secrets, { ...secret!, metadata: { namespace: 'other', name: pullSecret } });
    await createModule(loaderOf(await push('one', 'nic')));
    await createModule(loaderOf(await push('two', 'nic_two'), { moduleName: 'nic_two' }), 'other');
    await Promise.all([statusUntil(/^True/), statusUntil(/^True/, 'other')]);
    assert.deepEqual(loaded('n1').sort(), ['nic', 'nic_two']);
    await remove();
    await eventually('it is gone', isGone);
    for (const name of ['n1', 'n2', 'n3']) {
      assert.deepEqual(loaded(name), ['nic_two']);
      assert.deepEqual([await hasLabel(name), await hasLabel(name, ready('other'))], [false, true]);
    }
  });

  it('shuts its pods off the network, whoever opens it, and leaves pods and a policy of somebody else alone [139]', async () => {
    const { client } = plane();
    const at = (name: string) => ({ namespace: 'other', name });
    const policy = (name: string) => client.get(networkPolicies, at(name));
    const names = async () =>
      (await client.list(networkPolicies, { namespace: 'other' })).items.map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(await names(), ['nic-loader', 'nic-unload']);
    await createForeignPods('other');
    assert.deepEqual(await selectedBy('other'), { 'nic-loader': ['load', 'load', 'load'], 'nic-unload': [] });

    await client.patch(networkPolicies, at('nic-loader'), { type: 'merge', body: { spec: { egress: [{}] } } });
    await eventually('it is shut again', async () => (await policy('nic-loader'))?.spec?.egress === undefined);
    const { uid } = (await policy('nic-unload'))!.metadata;
    await client.delete(networkPolicies, at('nic-unload'));
    await eventually('it is back', async () => ![undefined, uid].includes((await policy('nic-unload'))?.metadata.uid));

    const spec = { podSelector: { matchLabels: { app: 'theirs' } }, policyTypes: ['Ingress'] };
    const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
    await client.create(networkPolicies, { ...kind, metadata: at('nic-device-plugin'), spec });
    const devicePlugin = { container: { image: await pushPlugin(fleet, 'plugins/nic', '1') } };
    await client.patch(modules, at('nic'), { type: 'merge', body: { spec: { devicePlugin } } });
    await eventually('it is told', async () =>
      (await client.list(events, { namespace: 'other' })).items.some(
        ({ reason, regarding }) => reason === 'ForeignNetworkPolicy' && regarding.name === 'nic',
      ),
    );
    await client.delete(modules, at('nic'), { propagationPolicy: 'Background' });
    await eventually('ours go with the Module', async () => (await names()).join() === 'nic-device-plugin');
    assert.deepEqual((await policy('nic-device-plugin'))?.spec, spec);
  });
});

/** Runs a watch that notes what it sees in `seen` until it is stopped. */
function watching<T>(watch: (seen: T, signal: AbortSignal) => Promise<void>, seen: T) {
  const abort = new AbortController();
  const running = watch(seen, abort.signal);
  return {
    seen,
    async stop(): Promise<void> {
      abort.abort();
      await running;
    },
  };
}
