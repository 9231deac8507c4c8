import assert from 'node:assert/strict';
import { namespaces, resource, secrets } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver } from '../world/fleet/drivers.ts';
import { programUsers, pullSecret, spokeNamespace } from '../world/fleet/fleet.ts';
import { conditionOf, loadedModules, readModule, readSpokeModule } from '../world/fleet/observe.ts';
import { ocmUsers } from '../world/ocm/names.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage } from './stage.ts';

describe('a cluster that is not prepared: the hub says what is missing there', () => {
  let stage: Stage;
  const plane = () => stage.fleet.spoke('edge-1').plane;
  const said = async (name: string) => {
    const found = (await readModule(stage.fleet, name))?.status?.clusters?.find((each) => each.name === 'edge-1');
    return `${found?.state} ${found?.reason}: ${found?.message}`;
  };
  const saysOf = (name: string, expected: RegExp) =>
    eventually(`${name}: ${expected}`, async () => {
      const text = await said(name);
      return expected.test(text) ? text : Promise.reject(new Error(text));
    });
  const isLoaded = (name: string) => loadedModules(stage.fleet, 'edge-1', 'n1').includes(name);

  before(async () => {
    stage = await startStage([{ name: 'edge-1', nodes: [{ name: 'n1', kernel: { release: kernels.el9 } }] }]);
    for (const module of ['nic', 'other', 'third', 'fourth', 'fifth'])
      await pushDriver(stage.fleet, { repository: `drivers/${module}`, module, kernels: [kernels.el9] });
  });
  after(() => stage.stop());

  it('the namespace, by name; then the pull secret in it; then it is loaded [171]', async () => {
    const spec = { ...fleetSpec(driverSpec(stage.fleet, 'drivers/nic')), spokeNamespace: 'elsewhere' };
    await stage.apply('nic', spec);
    await saysOf('nic', /ApplyFailed: .*namespaces? "elsewhere" not found/);
    assert.match(conditionOf(await readModule(stage.fleet, 'nic'), 'Ready'), /^False ApplyFailed: /);
    assert.match(conditionOf(await readModule(stage.fleet, 'nic'), 'Degraded'), /^True ApplyFailed: /);
    await plane().client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'elsewhere' } });
    await saysOf('nic', /(ImagePull|pull).*(401|secret|denied|unauthorized)/i);
    assert.ok(!isLoaded('nic'));
    const login = await plane().client.get(secrets, { namespace: spokeNamespace, name: pullSecret });
    const metadata = { namespace: 'elsewhere', name: pullSecret };
    await plane().client.create(secrets, { ...login!, metadata });
    await stage.ready('nic');
    assert.ok(isLoaded('nic'));
  });

  it('the right of the work agent to write Modules, by its user [169]', async () => {
    const verbs = ['create', 'update', 'patch'];
    const giveBack = await plane().withhold({ user: ocmUsers.workAgent, resource: 'modules', verbs });
    await stage.apply('other', fleetSpec(driverSpec(stage.fleet, 'drivers/other')));
    await saysOf('other', /ApplyFailed: .*klusterlet-work-sa.* cannot (create|patch|update) resource "modules"/);
    assert.equal(await readSpokeModule(stage.fleet, 'edge-1', 'other'), undefined);
    await giveBack();
    await stage.ready('other');
    assert.ok(isLoaded('other'));
  });

  it('the right of the spoke program to write DaemonSets', async () => {
    const right = { user: programUsers.spoke, resource: 'daemonsets', verbs: ['create'] };
    const giveBack = await plane().withhold(right);
    await stage.apply('third', fleetSpec(driverSpec(stage.fleet, 'drivers/third')));
    await saysOf('third', /Loading: .*WriteFailed: DaemonSet \S+: .*cannot create resource "daemonsets"/);
    await giveBack();
    await stage.ready('third');
  });

  it('the service account of the loaders', async () => {
    const spec = driverSpec(stage.fleet, 'drivers/fourth');
    spec.moduleLoader!.serviceAccountName = 'robot';
    await stage.apply('fourth', fleetSpec(spec));
    await saysOf('fourth', /Loading: .*PodsNotCreated: .*0 of 1 pods of DaemonSet \S+ .*ServiceAccount robot\?/);
    await plane().client.create(resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: spokeNamespace, name: 'robot' },
    });
    await stage.ready('fourth');
    assert.ok(isLoaded('fourth'));
  });

  it('the right of the default account to run privileged pods, when none is given [135]', async () => {
    const allow = await plane().refusePrivilegedPods(spokeNamespace);
    await stage.apply('fifth', fleetSpec(driverSpec(stage.fleet, 'drivers/fifth')));
    await saysOf('fifth', /Loading: .*PodsNotCreated: .*0 of 1 pods of DaemonSet \S+ .*ServiceAccount default /);
    assert.ok(!isLoaded('fifth'));
    await allow();
    await stage.ready('fifth');
    assert.ok(isLoaded('fifth'));
  });
});
