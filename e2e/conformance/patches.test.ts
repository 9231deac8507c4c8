import assert from 'node:assert/strict';
import { type Plane, startPlane } from './plane.ts';

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

interface Template {
  metadata: { labels: Record<string, string>; finalizers?: string[]; ownerReferences?: object[]; generation: number };
  spec: {
    template: { spec: Record<string, Item[]> & { nodeSelector?: object } };
    updateStrategy: { type: string; rollingUpdate?: object };
  };
}
type Item = Record<string, unknown>;

describe('conformance: patches', () => {
  let plane: Plane;
  let sets: string;
  let maps: string;
  let made = 0;

  before(async () => {
    plane = await startPlane();
    const namespace = await plane.newNamespace();
    sets = `/apis/apps/v1/namespaces/${namespace}/daemonsets`;
    maps = `/api/v1/namespaces/${namespace}/configmaps`;
  });
  after(() => plane.stop());

  const container = (name: string, more: object = {}) => ({ name, image: `registry.example/${name}:1`, ...more });

  /** A DaemonSet whose pods run nowhere. */
  async function daemonSet(pod: object = {}, metadata: object = {}): Promise<string> {
    made += 1;
    const name = `d${made}`;
    const labels = { app: name };
    const spec = { nodeSelector: { none: 'such' }, containers: [container('main')], ...pod };
    const { code, body } = await plane.raw.call('POST', sets, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name, ...metadata },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    assert.equal(code, 201, JSON.stringify(body));
    return `${sets}/${name}`;
  }

  async function patch(path: string, body: unknown, type: keyof typeof types = 'strategic'): Promise<Template> {
    const answer = await plane.raw.call('PATCH', path, body, { 'content-type': types[type] });
    assert.equal(answer.code, 200, JSON.stringify(answer.body));
    return answer.body as unknown as Template;
  }
  const refused = async (path: string, body: unknown, type: keyof typeof types = 'strategic') => {
    const answer = await plane.raw.call('PATCH', path, body, { 'content-type': types[type] });
    return [answer.code, answer.body['reason']];
  };
  const patchPod = async (path: string, spec: object) =>
    (await patch(path, { spec: { template: { spec } } })).spec.template.spec;

  it('strategic: containers, env and mounts merge by their keys, ports by their number', async () => {
    const ports = [{ containerPort: 80, name: 'web' }];
    const env = [{ name: 'A', value: '1' }];
    const volumeMounts = [{ name: 'v', mountPath: '/a' }];
    const volumes = [{ name: 'v', emptyDir: {} }];
    const path = await daemonSet({ containers: [container('main', { env, ports, volumeMounts })], volumes });
    const change = {
      name: 'main',
      env: [{ name: 'B', value: '2' }],
      ports: [{ containerPort: 81 }, { containerPort: 80, name: 'http' }],
      volumeMounts: [{ name: 'v', mountPath: '/b' }],
    };
    const spec = await patchPod(path, { containers: [change, container('side')] });
    assert.deepEqual(names(spec['containers']), ['main', 'side']);
    const main = spec['containers']?.find(({ name }) => name === 'main') as Record<string, Item[]>;
    assert.equal(main['image'], 'registry.example/main:1');
    assert.deepEqual(sorted(main['env'], 'name'), ['A', 'B']);
    assert.deepEqual(sorted(main['ports'], 'containerPort'), ['80', '81']);
    assert.equal(main['ports']?.find(({ containerPort }) => containerPort === 80)?.['name'], 'http');
    assert.deepEqual(sorted(main['volumeMounts'], 'mountPath'), ['/a', '/b']);
  });

  it('strategic: volumes, pull secrets and init containers merge by name, tolerations are replaced', async () => {
    const tolerations = [{ key: 'a', operator: 'Exists' }];
    const path = await daemonSet({
      tolerations,
      volumes: [{ name: 'one', emptyDir: {} }],
      imagePullSecrets: [{ name: 'first' }],
      initContainers: [container('before')],
    });
    const spec = await patchPod(path, {
      tolerations: [{ key: 'b', operator: 'Exists' }],
      volumes: [{ name: 'two', emptyDir: {} }],
      imagePullSecrets: [{ name: 'second' }],
      initContainers: [container('between')],
    });
    assert.deepEqual(names(spec['volumes']).sort(), ['one', 'two']);
    assert.deepEqual(names(spec['imagePullSecrets']).sort(), ['first', 'second']);
    assert.deepEqual(names(spec['initContainers']).sort(), ['before', 'between']);
    assert.deepEqual(sorted(spec['tolerations'], 'key'), ['b']);
  });

  it('strategic: items are deleted and lists replaced by directive, and ordered', async () => {
    const path = await daemonSet({ containers: [container('a'), container('b'), container('c')] });
    const without = await patchPod(path, { containers: [{ name: 'b', $patch: 'delete' }] });
    assert.deepEqual(names(without['containers']), ['a', 'c']);
    const ordered = await patchPod(path, {
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }, { name: 'd' }],
      containers: [container('d')],
    });
    assert.deepEqual(names(ordered['containers']), ['c', 'a', 'd']);
    const replaced = await patchPod(path, { containers: [container('z'), { $patch: 'replace' }] });
    assert.deepEqual(names(replaced['containers']), ['z']);
  });

  it('strategic: maps merge, null removes, and a directive replaces', async () => {
    const path = await daemonSet({}, { labels: { a: '1', b: '2' } });
    const merged = await patch(path, { metadata: { labels: { a: null, c: '3' } } });
    assert.deepEqual(merged.metadata.labels, { b: '2', c: '3' });
    const replaced = await patch(path, { metadata: { labels: { d: '4', $patch: 'replace' } } });
    assert.deepEqual(replaced.metadata.labels, { d: '4' });
  });

  it('strategic: retained keys drop the others of a union', async () => {
    const path = await daemonSet({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] });
    const spec = await patchPod(path, { volumes: [{ name: 'v', emptyDir: {}, $retainKeys: ['name', 'emptyDir'] }] });
    assert.deepEqual(spec['volumes'], [{ name: 'v', emptyDir: {} }]);
  });

  it('strategic: finalizers are a set, owners merge by uid', async () => {
    const owner = (uid: string) => ({ apiVersion: 'v1', kind: 'Node', name: uid, uid });
    const path = `${maps}/owned`;
    const metadata = { name: 'owned', finalizers: ['example.com/a'] };
    await plane.raw.call('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
    const first = await patch(path, { metadata: { finalizers: ['example.com/b', 'example.com/a'] } });
    assert.deepEqual([...(first.metadata.finalizers ?? [])].sort(), ['example.com/a', 'example.com/b']);
    const second = await patch(path, { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } });
    assert.deepEqual(second.metadata.finalizers, ['example.com/b']);
    const { body } = await plane.raw.call('POST', maps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'o' },
    });
    const { uid } = body['metadata'] as { uid: string };
    const real = { ...owner(uid), kind: 'ConfigMap', name: 'o' };
    await patch(path, { metadata: { ownerReferences: [real] } });
    const third = await patch(path, { metadata: { ownerReferences: [{ uid, blockOwnerDeletion: true }] } });
    assert.deepEqual(third.metadata.ownerReferences, [{ ...real, blockOwnerDeletion: true }]);
    await patch(path, { metadata: { finalizers: null } }, 'merge');
  });

  it('strategic: a node’s conditions and addresses merge by type, its taints are replaced', async () => {
    const ready = { type: 'Ready', status: 'True' };
    const spec = { taints: [{ key: 'example.com/a', effect: 'NoSchedule' }] };
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'patched' },
      spec,
      status: { conditions: [ready] },
    };
    await plane.raw.call('POST', '/api/v1/nodes', node);
    const pressure = { type: 'DiskPressure', status: 'False' };
    const addresses = [{ type: 'InternalIP', address: '10.0.0.1' }];
    const status = { status: { conditions: [pressure], addresses } };
    const { body } = await plane.raw.call('PATCH', '/api/v1/nodes/patched/status', status, {
      'content-type': types.strategic,
    });
    const { conditions } = body['status'] as { conditions: Item[] };
    const ours = conditions.filter(({ type }) => type === 'Ready' || type === 'DiskPressure');
    assert.deepEqual(sorted(ours, 'type'), ['DiskPressure', 'Ready']);
    const taints = [{ key: 'example.com/b', effect: 'NoSchedule' }];
    const after = (await patch('/api/v1/nodes/patched', { spec: { taints } })) as unknown as {
      spec: { taints: Item[] };
    };
    assert.deepEqual(
      after.spec.taints.filter(({ key }) => String(key).startsWith('example.com/')),
      taints,
    );
    await plane.raw.call('DELETE', '/api/v1/nodes/patched');
  });

  it('merge: lists are replaced, and defaults come back', async () => {
    const path = await daemonSet({ containers: [container('a'), container('b')] });
    const containers = [{ name: 'b', image: 'registry.example/b:2' }];
    const { spec } = await patch(path, { spec: { template: { spec: { containers } } } }, 'merge');
    assert.deepEqual(names(spec.template.spec['containers']), ['b']);
    assert.equal(spec.template.spec['containers']?.[0]?.['imagePullPolicy'], 'IfNotPresent');
    const again = await patch(path, { spec: { updateStrategy: null } }, 'merge');
    assert.equal(again.spec.updateStrategy.type, 'RollingUpdate');
  });

  it('json: adds into lists, moves, copies and tests', async () => {
    const data = { a: '1', b: '2' };
    await plane.raw.call('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'json' }, data });
    const operations = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'move', from: '/data/a', path: '/data/c' },
      { op: 'copy', from: '/data/b', path: '/data/d' },
      { op: 'add', path: '/metadata/finalizers', value: ['example.com/x'] },
      { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/y' },
      { op: 'add', path: '/metadata/finalizers/0', value: 'example.com/w' },
    ];
    const answer = await patch(`${maps}/json`, operations, 'json');
    assert.deepEqual((answer as unknown as { data: object }).data, { b: '2', c: '1', d: '2' });
    assert.deepEqual(answer.metadata.finalizers, ['example.com/w', 'example.com/x', 'example.com/y']);
    await patch(`${maps}/json`, { metadata: { finalizers: null } }, 'merge');
  });

  it('json: what cannot be carried out is 422, what is no patch 400', async () => {
    await plane.raw.call('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bad' } });
    const path = `${maps}/bad`;
    assert.deepEqual(await refused(path, [{ op: 'test', path: '/data/a', value: '1' }], 'json'), [422, 'Invalid']);
    assert.deepEqual(await refused(path, [{ op: 'remove', path: '/data/a' }], 'json'), [422, 'Invalid']);
    assert.deepEqual(await refused(path, [{ op: 'replace', path: '/nope/a', value: 1 }], 'json'), [422, 'Invalid']);
    assert.deepEqual(await refused(path, { op: 'remove', path: '/data' }, 'json'), [400, 'BadRequest']);
    assert.deepEqual(await refused(path, '{', 'json'), [400, 'BadRequest']);
    assert.deepEqual(await refused(path, '{', 'merge'), [400, 'BadRequest']);
    assert.deepEqual(await refused(path, '[]', 'merge'), [400, 'BadRequest']);
  });

  it('a patch of what is not there is not found, and its uid cannot be patched', async () => {
    assert.deepEqual(await refused(`${maps}/none`, { data: {} }, 'merge'), [404, 'NotFound']);
    await plane.raw.call('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine' } });
    assert.deepEqual(await refused(`${maps}/mine`, { metadata: { uid: 'other' } }, 'merge'), [422, 'Invalid']);
  });
});

function names(items: readonly Item[] | undefined): unknown[] {
  return (items ?? []).map(({ name }) => name);
}

function sorted(items: readonly Item[] | undefined, key: string): string[] {
  return (items ?? []).map((item) => String(item[key])).sort();
}
