import assert from 'node:assert/strict';
import { findKubectl, type Kubectl } from './kubectl.ts';
import { type Plane, startPlane } from './plane.ts';

const labels = { a: 'b' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'registry.example/i:1' }] } };

describe('conformance: stock kubectl with built-in kinds', () => {
  let plane: Plane;
  let kubectl: Kubectl;
  /** In a namespace of the test's own. */
  let there: Kubectl['call'];
  let namespace: string;

  before(async function () {
    plane = await startPlane();
    const found = await findKubectl(plane.kubeconfig, 'sed -i s/before/after/');
    if (found === undefined) this.skip();
    kubectl = found;
    namespace = await plane.newNamespace();
    there = (...args) => kubectl.call('-n', namespace, ...args);
  });
  after(async () => {
    await kubectl?.stop();
    await plane.stop();
  });

  const objects = (...all: object[]) => all.map((each) => `---\n${JSON.stringify(each)}\n`).join('');

  it('create: namespaces, ConfigMaps, Secrets, service accounts', async () => {
    await kubectl.call('create', 'namespace', 'modules');
    await there('create', 'configmap', 'c', '--from-literal=a=b');
    await there('create', 'secret', 'generic', 's', '--from-literal=a=b');
    await there('create', 'serviceaccount', 'robot');
    assert.match(await kubectl.call('get', 'namespace', 'modules'), /NAME +STATUS +AGE\nmodules +Active +\d+s/);
    assert.match(await there('get', 'configmap/c', 'secret/s'), /configmap\/c +1 +\d+s[\s\S]*secret\/s +Opaque +1/);
    assert.equal(await there('get', 'secret', 's', '-o', 'jsonpath={.data.a}'), 'Yg==');
    await kubectl.call('delete', 'namespace', 'modules');
    assert.match(await kubectl.refused('get', 'namespace', 'modules'), /not found/);
  });

  it('create: roles, bindings, deployments and jobs', async () => {
    await there('create', 'role', 'reader', '--verb=get,list', '--resource=pods,configmaps');
    await there('create', 'rolebinding', 'reading', '--role=reader', '--serviceaccount=default:robot', '--user=ann');
    await kubectl.call('create', 'clusterrole', 'looker', '--verb=get', '--resource=nodes');
    await kubectl.call('create', 'clusterrolebinding', 'looking', '--clusterrole=looker', '--group=lookers');
    const rules = await there('get', 'role', 'reader', '-o', 'jsonpath={.rules[*].verbs} {.rules[*].resources}');
    assert.equal(rules, '["get","list"] ["pods","configmaps"]');
    const subjects = '{range .subjects[*]}{.kind}:{.namespace}:{.name} {end}{.roleRef.kind}/{.roleRef.name}';
    const bound = await there('get', 'rolebinding', 'reading', '-o', `jsonpath=${subjects}`);
    assert.equal(bound, 'User::ann ServiceAccount:default:robot Role/reader');
    await there('create', 'deployment', 'web', '--image=registry.example/web:1', '--replicas=0', '--port=80');
    const deployed = '{.spec.replicas} {.spec.template.spec.containers[0].image} {.spec.selector.matchLabels.app}';
    assert.equal(await there('get', 'deployment', 'web', '-o', `jsonpath=${deployed}`), '0 registry.example/web:1 web');
    await there('create', 'job', 'once', '--image=registry.example/job:1', '--', 'run', 'it');
    const job = '{.spec.template.spec.containers[0].command} {.spec.template.spec.restartPolicy}';
    assert.equal(await there('get', 'job', 'once', '-o', `jsonpath=${job}`), '["run","it"] Never');
    await there('delete', 'deployment/web', 'job/once');
    await kubectl.call('delete', 'clusterrole/looker', 'clusterrolebinding/looking');
  });

  it('a file of kind List: create, apply, delete', async () => {
    const map = (name: string, value: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      data: { a: value },
    });
    const list = (value: string) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [map('one', value), map('two', value)] });
    const file = await kubectl.file('list.yaml', list('1'));
    assert.match(await there('apply', '-f', file), /one created[\s\S]*two created/);
    await kubectl.file('list.yaml', list('2'));
    assert.match(await there('apply', '-f', file), /one configured[\s\S]*two configured/);
    assert.equal(await there('get', 'configmap', 'two', '-o', 'jsonpath={.data.a}'), '2');
    assert.match(await there('delete', '-f', file), /"one" deleted[\s\S]*"two" deleted/);
    assert.match(await there('create', '-f', file), /one created[\s\S]*two created/);
  });

  it('apply changes one container of a DaemonSet and leaves what others set', async () => {
    const set = (image: string, env: object[]) => ({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'applied' },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { nodeSelector: { none: 'such' }, containers: [{ name: 'c', image, env }] },
        },
      },
    });
    const [kept, dropped] = [
      { name: 'KEPT', value: '1' },
      { name: 'DROPPED', value: '2' },
    ];
    const file = await kubectl.file('set.yaml', objects(set('registry.example/i:1', [kept, dropped])));
    assert.match(await there('apply', '-f', file), /created/);
    await there('set', 'env', 'daemonset/applied', 'OTHER=3');
    assert.match(await there('apply', '-f', file), /unchanged|configured/);
    await kubectl.file('set.yaml', objects(set('registry.example/i:2', [kept])));
    assert.match(await there('apply', '-f', file), /configured/);
    const shown = '{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[*].name}';
    assert.equal(
      await there('get', 'daemonset', 'applied', '-o', `jsonpath=${shown}`),
      'registry.example/i:2 KEPT OTHER',
    );
    assert.equal(await there('get', 'daemonset', 'applied', '-o', 'jsonpath={.metadata.generation}'), '3');
  });

  it('edit, label, annotate, patch of all types, replace', async () => {
    await there('create', 'configmap', 'edited', '--from-literal=a=before');
    assert.match(await there('edit', 'configmap', 'edited'), /edited/);
    await there('label', 'configmap', 'edited', 'x=y');
    await there('annotate', 'configmap', 'edited', 'x=z');
    await there('patch', 'configmap', 'edited', '-p', '{"data":{"b":"1"}}');
    await there('patch', 'configmap', 'edited', '--type=merge', '-p', '{"data":{"c":"1"}}');
    await there('patch', 'configmap', 'edited', '--type=json', '-p', '[{"op":"remove","path":"/data/b"}]');
    const shown = '{.data} {.metadata.labels.x} {.metadata.annotations.x}';
    assert.equal(await there('get', 'configmap', 'edited', '-o', `jsonpath=${shown}`), '{"a":"after","c":"1"} y z');
    assert.match(
      await kubectl.refused('-n', namespace, 'label', 'configmap', 'edited', 'x=other'),
      /already has a value/,
    );
    const file = await kubectl.file('edited.json', await there('get', 'configmap', 'edited', '-o', 'json'));
    assert.match(await there('replace', '-f', file), /edited replaced/);
  });

  it('explain of built-in kinds names the fields and their types', async () => {
    assert.match(
      await kubectl.call('explain', 'pod.spec.containers'),
      /image\t<string>[\s\S]*ports\t<\[\]ContainerPort>/,
    );
    assert.match(
      await kubectl.call('explain', 'daemonset.spec.updateStrategy'),
      /rollingUpdate\t<RollingUpdateDaemonSet>/,
    );
    assert.match(await kubectl.call('explain', 'configmap'), /KIND: +ConfigMap[\s\S]*data\t<map\[string\]string>/);
    assert.match(await kubectl.call('explain', 'node.status.nodeInfo.kernelVersion'), /FIELD: kernelVersion <string>/);
    assert.match(await kubectl.refused('explain', 'secret.spec'), /field "spec" does not exist/);
  });

  it('an unknown field of a built-in kind is refused with its path', async () => {
    const broken = { ...template, spec: { containers: [{ name: 'c', image: 'i:1', imagePullPolice: 'Never' }] } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'broken' }, spec: broken.spec };
    const file = await kubectl.file('broken.yaml', objects(pod));
    assert.match(
      await kubectl.refused('-n', namespace, 'create', '-f', file),
      /strict decoding error: unknown field "spec\.containers\[0\]\.imagePullPolice"/,
    );
  });

  it('nodes, pods and DaemonSets in their columns; describe, cordon, taint and drain', async () => {
    const file = await kubectl.file(
      'objects.yaml',
      objects(
        { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: { nodeInfo: nodeInfo('5.14.0') } },
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { nodeName: 'n1', ...template.spec } },
        {
          apiVersion: 'apps/v1',
          kind: 'DaemonSet',
          metadata: { name: 'd' },
          spec: {
            selector: { matchLabels: labels },
            template: { ...template, spec: { ...template.spec, nodeSelector: { none: 'such' } } },
          },
        },
      ),
    );
    await there('create', '-f', file);
    // Of a node that never told anything, the controllers say themselves that it is not ready, sooner or later.
    assert.match(await kubectl.call('get', 'nodes', '-o', 'wide'), /n1 +(Unknown|NotReady) .*5\.14\.0/);
    assert.match(await there('get', 'pods'), /p +0\/1 +Pending +0 +\d+s/);
    assert.match(await there('get', 'daemonsets'), /d +0 +0 +0 +0 +0 +none=such/);
    for (const [kind, name] of [
      ['node', 'n1'],
      ['pod', 'p'],
      ['daemonset', 'd'],
    ] as const)
      assert.match(await there('describe', kind, name), new RegExp(`Name: +${name}`));
    await kubectl.call('taint', 'node', 'n1', 'example.com/x=y:NoSchedule');
    await kubectl.call('taint', 'node', 'n1', 'example.com/x-');
    await kubectl.call('cordon', 'n1');
    assert.match(await kubectl.call('get', 'nodes'), /n1 +(Unknown|NotReady),SchedulingDisabled/);
    assert.match(await kubectl.call('drain', 'n1', '--force', '--grace-period=0'), /node\/n1 drained/);
    assert.match(await there('get', 'pods'), /No resources found/);
    await kubectl.call('delete', 'node', 'n1');
  });

  it('delete waits for finalizers, by name, by label and all', async () => {
    for (const name of ['x1', 'x2']) await there('create', 'configmap', name);
    await there('label', 'configmap', 'x1', 'x2', 'doomed=yes');
    await there('patch', 'configmap', 'x1', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}');
    const slow = there('delete', 'configmap', 'x1', '--timeout=20s');
    await there('wait', '--for=jsonpath={.metadata.deletionTimestamp}', 'configmap/x1', '--timeout=15s');
    await there('patch', 'configmap', 'x1', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    assert.match(await slow, /"x1" deleted/);
    assert.match(await there('delete', 'configmap', '-l', 'doomed=yes'), /"x2" deleted/);
    assert.match(await there('delete', 'secret', '--all'), /"s" deleted/);
    assert.match(await there('get', 'secret'), /No resources found/);
  });
});

/** All fields of it are required. */
function nodeInfo(kernelVersion: string): Record<string, string> {
  const fields = [
    'machineID',
    'systemUUID',
    'bootID',
    'osImage',
    'containerRuntimeVersion',
    'kubeletVersion',
    'kubeProxyVersion',
    'operatingSystem',
    'architecture',
  ];
  return { ...Object.fromEntries(fields.map((field) => [field, 'x'])), kernelVersion };
}
