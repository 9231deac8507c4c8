import assert from 'node:assert/strict';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { EventRecorder } from '../../shared/kube/events.ts';
import { resource } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { applyDefinitions, ourDefinitions } from '../world/api-server/definitions.ts';
import { eventually } from '../world/eventually.ts';
import { findKubectl, type Kubectl } from './kubectl.ts';
import { type Plane, startPlane } from './plane.ts';

const moduleText = `apiVersion: hub.kmm.sigs.x-k8s.io/v1beta1
kind: ManagedClusterModule
metadata: {name: nic}
spec:
  selector: {}
  spokeNamespace: modules
  moduleSpec:
    selector: {}
    moduleLoader:
      container:
        modprobe: {moduleName: nic}
        kernelMappings: [{regexp: ^.+$, containerImage: registry.example/nic:1}]
`;
const modules = resource('hub.kmm.sigs.x-k8s.io', 'v1beta1', 'ManagedClusterModule', 'managedclustermodules', false);

describe('conformance: stock kubectl with our kinds', () => {
  let plane: Plane;
  let kubectl: Kubectl;
  const runtime: Runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };

  before(async function () {
    plane = await startPlane();
    const found = await findKubectl(plane.kubeconfig, 'sed -i s/Required/Skip/');
    if (found === undefined) this.skip();
    kubectl = found;
    await applyDefinitions(plane.client, ourDefinitions());
    await eventually('our kinds are served', async () => (await plane.client.list(modules)) !== undefined);
  });
  after(async () => {
    await kubectl?.stop();
    await plane.stop();
  });

  it('apply, get with our columns, explain, label, patch, edit', async () => {
    const file = await kubectl.file('module.yaml', moduleText);
    assert.match(await kubectl.call('apply', '-f', file), /nic created/);
    assert.match(await kubectl.call('apply', '-f', file), /nic unchanged/);
    await kubectl.file('module.yaml', moduleText.replace('nic:1', 'nic:2'));
    assert.match(await kubectl.call('apply', '-f', file), /nic configured/);
    assert.match(await kubectl.call('get', 'mcm'), /^NAME +CLUSTERS +SUCCEEDED +FAILED +READY +AGE\nnic +\d+s\n$/);
    assert.match(await kubectl.call('explain', 'mcm.spec.imageCheck'), /ENUM:\s+Required\s+Skip/);
    await kubectl.call('label', 'mcm', 'nic', 'team=net');
    await kubectl.call('patch', 'mcm', 'nic', '--type', 'merge', '-p', '{"spec":{"deletionPolicy":"Orphan"}}');
    assert.match(await kubectl.call('edit', 'mcm', 'nic'), /nic edited/);
    assert.match(await kubectl.call('get', 'mcm', '-L', 'team'), /TEAM\nnic .*net/);
    const spec = '{.spec.imageCheck} {.spec.deletionPolicy}';
    assert.equal(await kubectl.call('get', 'mcm', 'nic', '-o', `jsonpath=${spec}`), 'Skip Orphan');
  });

  it('apply of a wrong field is refused with its path', async () => {
    const file = await kubectl.file('wrong.yaml', moduleText.replace('moduleName', 'modulName'));
    const text = await kubectl.refused('apply', '-f', file);
    assert.match(text, /unknown field "spec\.moduleSpec\.moduleLoader\.container\.modprobe\.modulName"/);
  });

  it('a dry run on the server says what would be, and diff what would change', async () => {
    const file = await kubectl.file('other.yaml', moduleText.replace('name: nic}', 'name: other}'));
    assert.match(await kubectl.call('create', '-f', file, '--dry-run=server'), /other created \(server dry run\)/);
    assert.match(await kubectl.refused('get', 'mcm', 'other'), /"other" not found/);
  });

  it('wait and watch until it is Ready; describe shows the events', async () => {
    const waited = kubectl.call('wait', '--for=condition=Ready', 'mcm/nic', '--timeout=20s');
    const printed = kubectl
      .call('get', 'mcm', '--watch', '--request-timeout=5s')
      .catch((error: { stdout: string }) => error.stdout);
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'Well',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const rollout = { selected: 3, succeeded: 3, failed: 0 };
    const write = (conditions: object[]) => {
      const body = { status: { conditions, rollout } };
      return plane.client.patch(modules, { name: 'nic' }, { type: 'merge', body }, { subresource: 'status' });
    };
    await write([condition]);
    assert.match(await waited, /condition met/);
    assert.match(await printed, /AGE\n(?:nic +\d+s\n)?nic +3 +3 +0 +True/);
    const regarding = await plane.client.get(modules, { name: 'nic' });
    const recorder = new EventRecorder({ client: plane.client, runtime, controller: 'kmm-hub', instance: 'hub-1' });
    recorder.record({ regarding: regarding!, type: 'Warning', reason: 'ImageMissing', note: 'nic:2', action: 'Check' });
    await eventually('describe shows it', async () =>
      /Warning +ImageMissing +\S+ +kmm-hub.* +nic:2/.test(await kubectl.call('describe', 'mcm', 'nic')),
    );
    assert.match(await kubectl.call('get', 'events'), /Warning +ImageMissing +managedclustermodule\/nic +nic:2/);
  });

  it('delete, and wait until it is gone', async () => {
    assert.match(await kubectl.call('delete', 'mcm', 'nic'), /"nic" deleted/);
    assert.match(await kubectl.refused('get', 'mcm', 'nic'), /managedclustermodules.*"nic" not found/);
  });
});
