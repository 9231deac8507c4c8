import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { EventRecorder } from '../../shared/kube/events.ts';
import { resource } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { eventually } from '../world/eventually.ts';
import { embeddedServer, type Plane, startPlane } from '../world/fleet/plane.ts';

const run = promisify(execFile);
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

describe('stock kubectl against the embedded API server', function () {
  this.timeout(60_000);
  let plane: Plane;
  let folder: string;
  const kubectl = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: join(folder, 'config') };
    const editor = 'sed -i s/Required/Skip/';
    const { stdout, stderr } = await run('kubectl', args, { env: { ...env, KUBE_EDITOR: editor }, timeout: 20_000 });
    return stdout + stderr;
  };
  const refused = (...args: string[]) =>
    kubectl(...args).then(assert.fail, (error: { stderr: string }) => error.stderr);
  const runtime: Runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };

  before(async function () {
    const found = await run('kubectl', ['version', '--client']).then(
      () => true,
      () => false,
    );
    if (!found) {
      process.stderr.write('SKIPPED: this machine has no kubectl; kubectl-requests.test.ts sends what it would send\n');
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'kmm-kubectl-'));
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    await writeFile(join(folder, 'config'), await plane.kubeconfig());
    await writeFile(join(folder, 'module.yaml'), moduleText);
  });
  after(async () => {
    await plane?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  it('create: namespaces, ConfigMaps, Secrets, service accounts', async () => {
    await kubectl('create', 'namespace', 'modules');
    await kubectl('-n', 'modules', 'create', 'configmap', 'c', '--from-literal=a=b');
    await kubectl('-n', 'modules', 'create', 'secret', 'generic', 's', '--from-literal=a=b');
    await kubectl('-n', 'modules', 'create', 'serviceaccount', 'robot');
    assert.match(await kubectl('get', 'namespace', 'modules'), /NAME +STATUS +AGE\nmodules +Active +\d+s/);
    assert.match(
      await kubectl('-n', 'modules', 'get', 'configmap,secret'),
      /configmap\/c +1 +\d+s[\s\S]*secret\/s +Opaque +1/,
    );
    assert.equal(await kubectl('-n', 'modules', 'get', 'secret', 's', '-o', 'jsonpath={.data.a}'), 'Yg==');
  });

  it('apply, get with our columns, explain, label, patch, edit', async () => {
    const file = join(folder, 'module.yaml');
    assert.match(await kubectl('apply', '-f', file), /nic created/);
    assert.match(await kubectl('apply', '-f', file), /nic unchanged/);
    await writeFile(file, moduleText.replace('nic:1', 'nic:2'));
    assert.match(await kubectl('apply', '-f', file), /nic configured/);
    assert.match(await kubectl('get', 'mcm'), /^NAME +CLUSTERS +SUCCEEDED +FAILED +READY +AGE\nnic +\d+s\n$/);
    assert.match(await kubectl('explain', 'mcm.spec.imageCheck'), /ENUM:\s+Required\s+Skip/);
    await kubectl('label', 'mcm', 'nic', 'team=net');
    await kubectl('patch', 'mcm', 'nic', '--type', 'merge', '-p', '{"spec":{"deletionPolicy":"Orphan"}}');
    assert.match(await kubectl('edit', 'mcm', 'nic'), /nic edited/);
    assert.match(await kubectl('get', 'mcm', '-L', 'team'), /TEAM\nnic .*net/);
    const spec = '{.spec.imageCheck} {.spec.deletionPolicy}';
    assert.equal(await kubectl('get', 'mcm', 'nic', '-o', `jsonpath=${spec}`), 'Skip Orphan');
  });

  it('apply of a wrong field is refused with its path', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, moduleText.replace('moduleName', 'modulName'));
    const text = await refused('apply', '-f', file);
    assert.match(text, /unknown field "spec\.moduleSpec\.moduleLoader\.container\.modprobe\.modulName"/);
  });

  it('wait and watch until it is Ready; describe shows the events', async () => {
    const waited = kubectl('wait', '--for=condition=Ready', 'mcm/nic', '--timeout=15s');
    const printed = kubectl('get', 'mcm', '--watch', '--request-timeout=4s').catch((error) => error.stdout);
    await eventually(
      'both are watching',
      () =>
        embeddedServer(plane).requests.matching({
          verb: 'watch',
          resource: 'managedclustermodules',
          user: 'system:admin',
        }).length >= 2,
    );
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'Well',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const status = { conditions: [condition], rollout: { selected: 3, succeeded: 3, failed: 0 } };
    await plane.client.patch(modules, { name: 'nic' }, { type: 'merge', body: { status } }, { subresource: 'status' });
    assert.match(await waited, /condition met/);
    assert.match(await printed, /AGE\nnic +\d+s\nnic +3 +3 +0 +True/);
    const regarding = await plane.client.get(modules, { name: 'nic' });
    const recorder = new EventRecorder({ client: plane.client, runtime, controller: 'kmm-hub', instance: 'hub-1' });
    recorder.record({ regarding: regarding!, type: 'Warning', reason: 'ImageMissing', note: 'nic:2', action: 'Check' });
    await eventually('describe shows it', async () =>
      /Warning +ImageMissing +\S+ +kmm-hub.* +nic:2/.test(await kubectl('describe', 'mcm', 'nic')),
    );
    assert.match(await kubectl('get', 'events'), /Warning +ImageMissing +managedclustermodule\/nic +nic:2/);
  });

  it('nodes, pods and DaemonSets in their columns; describe, cordon and drain', async () => {
    const objects = [
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: { nodeInfo: { kernelVersion: '5.14.0' } } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i:1' }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'd' },
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
        },
      },
    ];
    const documents = objects.map((each) => `---\n${JSON.stringify(each)}\n`);
    await writeFile(join(folder, 'objects.yaml'), documents.join(''));
    await kubectl('create', '-f', join(folder, 'objects.yaml'));
    assert.match(await kubectl('get', 'nodes', '-o', 'wide'), /n1 +Unknown .*5\.14\.0/);
    assert.match(await kubectl('get', 'pods'), /p +0\/1 +Pending +0 +\d+s/);
    assert.match(await kubectl('get', 'daemonsets'), /d +0 +0 +0 +0 +0 +<none>/);
    for (const [kind, name] of [
      ['node', 'n1'],
      ['pod', 'p'],
      ['daemonset', 'd'],
    ] as const)
      assert.match(await kubectl('describe', kind, name), new RegExp(`Name: +${name}`));
    await kubectl('cordon', 'n1');
    assert.match(await kubectl('get', 'nodes'), /n1 +Unknown,SchedulingDisabled/);
    assert.match(await kubectl('drain', 'n1', '--force', '--grace-period=0'), /node\/n1 drained/);
    assert.match(await kubectl('get', 'pods'), /No resources found/);
  });

  it('delete, and wait until it is gone', async () => {
    assert.match(await kubectl('delete', 'mcm', 'nic'), /"nic" deleted/);
    assert.match(await refused('get', 'mcm', 'nic'), /managedclustermodules.*"nic" not found/);
    await kubectl('delete', 'namespace', 'modules');
    assert.match(await refused('get', 'namespace', 'modules'), /not found/);
  });
});
