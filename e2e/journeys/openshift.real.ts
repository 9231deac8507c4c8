import assert from 'node:assert/strict';
import { type ModuleSpec, modules } from '@open-cluster-management/api-types';
import type { Pod } from '../../shared/kube/object.ts';
import { events, namespaces, pods, resource, secrets } from '../../shared/kube/resources.ts';
import { type PodPurpose, purposeOf } from '../../spoke/pods.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { operatorNamespace, pullSecret, spokeNamespace } from '../world/fleet/fleet.ts';
import { loadedModules, readModule, readWork } from '../world/fleet/observe.ts';
import { sccAnnotation } from '../world/openshift/admission.ts';
import { type OpenShift, startOpenShift } from '../world/openshift/openshift.ts';
import { levelLabel } from '../world/openshift/pod-security-levels.ts';
import { type Account, addSccToUser, removeSccFromUser } from '../world/openshift/privileged-use.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('the right to run privileged pods, on Kubernetes and on OpenShift', () => {
  let stage: Stage;
  let plugin: string;
  const client = () => stage.fleet.spoke('edge-1').plane.client;
  const kernel = () => stage.fleet.spoke('edge-1').node('n1').kernel;
  const isLoaded = (name: string) => loadedModules(stage.fleet, 'edge-1', 'n1').includes(name);

  const apply = (name: string, namespace: string, overrides: Partial<ModuleSpec> = {}) => {
    const spec = fleetSpec(driverSpec(stage.fleet, `drivers/${name}`, overrides));
    return stage.apply(name, { ...spec, spokeNamespace: namespace });
  };
  const withAccount = (name: string, account: string) => {
    const { moduleLoader } = driverSpec(stage.fleet, `drivers/${name}`);
    return { moduleLoader: { ...moduleLoader!, serviceAccountName: account } };
  };
  const hubSays = (name: string, expected: RegExp) =>
    eventually(`the hub says of ${name}: ${expected}`, async () => {
      const { clusters = [] } = (await readModule(stage.fleet, name))?.status ?? {};
      const said = clusters.map(({ state, reason, message }) => `${state} ${reason}: ${message}`).join('\n');
      return expected.test(said) || Promise.reject(new Error(said));
    });
  const moduleSays = (namespace: string, name: string, expected: RegExp) =>
    eventually(`Module ${name} says: ${expected}`, async () => {
      const said = JSON.stringify((await client().get(modules, { namespace, name }))?.status);
      return expected.test(said) || Promise.reject(new Error(said));
    });
  /** What `kubectl describe daemonset` shows. */
  const eventsSay = (namespace: string, expected: RegExp) =>
    eventually(`an event says: ${expected}`, async () => {
      const { items } = await client().list(events, { namespace });
      const said = items.filter(({ regarding }) => regarding.kind === 'DaemonSet').map(({ note }) => note);
      return said.some((note) => expected.test(note)) || Promise.reject(new Error(said.join('\n')));
    });
  const podsOf = async (namespace: string, purpose: PodPurpose): Promise<Pod[]> =>
    (await client().list(pods, { namespace })).items.filter((pod) => purposeOf(pod) === purpose);
  const accountsOf = async (namespace: string, purpose: PodPurpose) =>
    (await podsOf(namespace, purpose)).map(({ spec }) => spec.serviceAccountName);
  const levelOf = async (name: string) => (await client().get(namespaces, { name }))?.metadata.labels?.[levelLabel];
  const setLevel = (name: string, level: string | null) =>
    client().patch(namespaces, { name }, { type: 'merge', body: { metadata: { labels: { [levelLabel]: level } } } });
  const createAccount = (account: Account) =>
    client().create(resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: account as { namespace: string; name: string },
    });
  const removed = async (name: string) => {
    await stage.remove(name);
    await eventually(
      `no work of ${name} is left`,
      async () => (await readWork(stage.fleet, 'edge-1', name)) === undefined,
    );
    assert.ok(!isLoaded(name));
  };

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    for (const module of ['plain', 'nic', 'gpu', 'fpga'])
      await pushDriver(stage.fleet, { repository: `drivers/${module}`, module, kernels: [kernels.el9] });
    plugin = await pushPlugin(stage.fleet, 'drivers/plugin', 'v1');
    const login = await client().get(secrets, { namespace: spokeNamespace, name: pullSecret });
    await client().create(secrets, { ...login!, metadata: { namespace: operatorNamespace, name: pullSecret } });
  });
  after(() => stage?.stop());

  describe('on Kubernetes', () => {
    it('a namespace whose Pod Security level is baseline refuses the pods, and the hub, the Module and an event say it [135]', async () => {
      await setLevel(spokeNamespace, 'baseline');
      await apply('plain', spokeNamespace);
      await eventsSay(spokeNamespace, /violates PodSecurity "baseline:latest": .*SYS_MODULE/);
      const said = /PodsNotCreated.*0 of 1 pods of DaemonSet \S+ .*ServiceAccount default/;
      await moduleSays(spokeNamespace, 'plain', said);
      await hubSays('plain', said);
      assert.ok(!isLoaded('plain'));
    });

    it('with the level privileged they run', async () => {
      await setLevel(spokeNamespace, 'privileged');
      await stage.ready('plain');
      assert.ok(isLoaded('plain'));
      await removed('plain');
      await setLevel(spokeNamespace, null);
    });
  });

  describe('on OpenShift', () => {
    let openShift: OpenShift;
    const usual: Account = { namespace: spokeNamespace, name: 'default' };

    before(async () => {
      openShift = await startOpenShift(client());
    });
    after(() => openShift?.stop());

    it('the default account may not; the hub and the Module name it, and an event has the words of the admission [135]', async () => {
      await apply('nic', spokeNamespace);
      await eventsSay(
        spokeNamespace,
        /unable to validate against any security context constraint: .*hostPath.*SYS_MODULE.*not usable by user or serviceaccount/,
      );
      const said = /PodsNotCreated.*0 of 1 pods of DaemonSet \S+ .*ServiceAccount default/;
      await moduleSays(spokeNamespace, 'nic', said);
      await hubSays('nic', said);
      assert.equal(await levelOf(spokeNamespace), 'restricted');
      assert.deepEqual(await accountsOf(spokeNamespace, 'load'), []);
      assert.ok(!isLoaded('nic'));
    });

    it('after oc adm policy add-scc-to-user they run, and nobody has labelled the namespace [136] [137]', async () => {
      await addSccToUser(client(), usual);
      await stage.ready('nic');
      assert.ok(isLoaded('nic'));
      assert.equal(await levelOf(spokeNamespace), 'privileged');
      const [pod] = await podsOf(spokeNamespace, 'load');
      assert.equal(pod?.metadata.annotations?.[sccAnnotation], 'privileged');
    });

    it('a pod that unloads needs the right too: without it the Module stays and says why, with it all goes [136]', async () => {
      await kernel().hold('nic');
      await removeSccFromUser(client(), usual);
      await eventually('it is restricted again', async () => (await levelOf(spokeNamespace)) === 'restricted');
      await stage.remove('nic');
      await moduleSays(spokeNamespace, 'nic', /unable to validate against any security context constraint/);
      assert.deepEqual(await podsOf(spokeNamespace, 'unload'), []);
      await addSccToUser(client(), usual);
      await eventually('a pod is made', async () => (await accountsOf(spokeNamespace, 'unload')).join() === 'default');
      await kernel().releaseHold('nic');
      await removed('nic');
    });

    it('in the namespace of the operator our own accounts run loader and plugin, with no grant and no label by hand [134] [137]', async () => {
      await apply('gpu', operatorNamespace, { devicePlugin: { container: { image: plugin } } });
      await stage.ready('gpu');
      assert.ok(isLoaded('gpu'));
      assert.deepEqual(await accountsOf(operatorNamespace, 'load'), ['kmm-operator-module-loader']);
      assert.deepEqual(await accountsOf(operatorNamespace, 'device-plugin'), ['kmm-operator-device-plugin']);
      assert.equal(await levelOf(operatorNamespace), 'privileged');
      await removed('gpu');
    });

    it('an account that is given is used, also where ours might, and has to have the right itself [133] [136]', async () => {
      const robot: Account = { namespace: operatorNamespace, name: 'robot' };
      await createAccount(robot);
      const devicePlugin = { serviceAccountName: 'robot', container: { image: plugin } };
      await apply('fpga', operatorNamespace, { ...withAccount('fpga', 'robot'), devicePlugin });
      await hubSays('fpga', /PodsNotCreated.*0 of 1 pods of DaemonSet \S+ .*ServiceAccount robot/);
      await addSccToUser(client(), robot);
      await stage.ready('fpga');
      assert.deepEqual(await accountsOf(operatorNamespace, 'load'), ['robot']);
      assert.deepEqual(await accountsOf(operatorNamespace, 'device-plugin'), ['robot']);
      await removed('fpga');
    });
  });
});
