import assert from 'node:assert/strict';
import type { KubeObject, ObjectMeta, Pod } from '../../shared/kube/object.ts';
import { configMaps, controllerRevisions, namespaces, nodes, pods, secrets } from '../../shared/kube/resources.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: objects', () => {
  let plane: Plane;
  let namespace: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
  });
  after(() => plane.stop());

  type Map = KubeObject & { data?: Record<string, string> };
  const configMap = (name: string, metadata: Partial<ObjectMeta> = {}, data?: Record<string, string>): Map => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ...metadata },
    ...(data && { data }),
  });
  const create = (object: Map) => plane.client.create<Map>(configMaps, object);
  const get = (name: string) => plane.client.get<Map>(configMaps, { namespace, name });

  it('a new object gets a uid, a time and a resourceVersion', async () => {
    const made = await create(configMap('new', {}, { a: '1' }));
    assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.match(made.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(await get('new'), made);
  });

  it('a name is made from generateName, and fits a label however long that is', async () => {
    const made = await create(configMap('', { generateName: `${'x'.repeat(80)}-` }));
    assert.match(made.metadata.name, /^x{58}[a-z0-9]{5}$/);
  });

  it('refuses a second object of a name, and an object in no namespace', async () => {
    await create(configMap('twice'));
    await assert.rejects(create(configMap('twice')), {
      status: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
    });
    const lost = configMap('lost', { namespace: 'not-there' });
    await assert.rejects(create(lost), { status: 404, message: 'namespaces "not-there" not found' });
  });

  it('refuses names, labels and owners that are not valid, naming the field', async () => {
    await assert.rejects(create(configMap('Big')), {
      status: 422,
      message: /^ConfigMap "Big" is invalid: metadata\.name: /,
    });
    const labelled = configMap('l', { labels: { kernel: 'a+b' } });
    await assert.rejects(create(labelled), {
      status: 422,
      message: /metadata\.labels: Invalid value: "a\+b": a valid label/,
    });
    const long = configMap('l', { labels: { kernel: 'a'.repeat(64) } });
    await assert.rejects(create(long), { message: /must be no more than 63 bytes/ });
    const owned = configMap('o', { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: '' }] });
    await assert.rejects(create(owned), {
      message: /metadata\.ownerReferences\.uid: Invalid value: "": must not be empty/,
    });
  });

  it('refuses a PUT of what changed meanwhile, and of another uid', async () => {
    const made = await create(configMap('race', {}, { a: '1' }));
    await plane.client.replace<Map>(configMaps, { ...made, data: { a: '2' } });
    await assert.rejects(plane.client.replace<Map>(configMaps, { ...made, data: { a: '3' } }), {
      status: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "race": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
    });
    const other = { ...made, metadata: { ...made.metadata, resourceVersion: '', uid: 'another' } };
    await assert.rejects(plane.client.replace<Map>(configMaps, other), { status: 409, message: /UID in precondition/ });
  });

  it('writes that change nothing keep the resourceVersion', async () => {
    const made = await create(configMap('same', { labels: { a: 'b' } }, { a: '1' }));
    const put = await plane.client.replace<Map>(configMaps, made);
    const merge = { type: 'merge', body: { data: { a: '1' } } } as const;
    const patched = await plane.client.patch<Map>(configMaps, made.metadata, merge);
    assert.equal(put.metadata.resourceVersion, made.metadata.resourceVersion);
    assert.equal(patched.metadata.resourceVersion, made.metadata.resourceVersion);
  });

  it('merge patches set, replace and remove', async () => {
    const made = await create(configMap('merged', { labels: { a: '1' } }, { a: '1', b: '2' }));
    const body = { metadata: { labels: { c: '3' } }, data: { a: null, b: '4' } };
    const patched = await plane.client.patch<Map>(configMaps, made.metadata, { type: 'merge', body });
    assert.deepEqual(patched.data, { b: '4' });
    assert.deepEqual(patched.metadata.labels, { a: '1', c: '3' });
  });

  it('JSON patches apply whole or not at all, and their test protects', async () => {
    const made = await create(configMap('tested', {}, { a: '1' }));
    const operations = [
      { op: 'replace', path: '/data/a', value: '2' },
      { op: 'test', path: '/data/a', value: '1' },
    ] as const;
    const patch = plane.client.patch(configMaps, made.metadata, { type: 'json', operations });
    await assert.rejects(patch, { status: 422, reason: 'Invalid' });
    assert.deepEqual((await get('tested'))?.data, { a: '1' });
    const escaped = [{ op: 'add', path: '/metadata/annotations', value: { 'a/b': 'c' } }] as const;
    await plane.client.patch(configMaps, made.metadata, { type: 'json', operations: escaped });
    const removal = [{ op: 'remove', path: '/metadata/annotations/a~1b' }] as const;
    const after = await plane.client.patch<Map>(configMaps, made.metadata, { type: 'json', operations: removal });
    assert.equal(after.metadata.annotations, undefined);
    const missing = [{ op: 'remove', path: '/data/none' }] as const;
    await assert.rejects(plane.client.patch(configMaps, made.metadata, { type: 'json', operations: missing }), {
      status: 422,
    });
  });

  it('a patch that names an old resourceVersion is a conflict', async () => {
    const made = await create(configMap('pinned', {}, { a: '1' }));
    await plane.client.patch(configMaps, made.metadata, { type: 'merge', body: { data: { a: '2' } } });
    const { resourceVersion } = made.metadata;
    const body = { metadata: { resourceVersion }, data: { a: '3' } };
    await assert.rejects(plane.client.patch(configMaps, made.metadata, { type: 'merge', body }), { status: 409 });
  });

  it('finalizers hold a deleted object, which takes no new ones', async () => {
    const made = await create(configMap('held', { finalizers: ['example.com/a'] }));
    await plane.client.delete(configMaps, made.metadata);
    const held = await get('held');
    assert.ok(held?.metadata.deletionTimestamp);
    assert.equal(held.metadata.deletionGracePeriodSeconds, 0);
    const more = { metadata: { finalizers: ['example.com/a', 'example.com/b'] } };
    await assert.rejects(plane.client.patch(configMaps, made.metadata, { type: 'merge', body: more }), {
      status: 422,
      message: /metadata\.finalizers: Forbidden: no new finalizers can be added/,
    });
    await plane.client.patch(configMaps, made.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    assert.equal(await get('held'), undefined);
  });

  it('delete preconditions protect another object of the name', async () => {
    const made = await create(configMap('precious'));
    const deletion = plane.client.delete(configMaps, made.metadata, { preconditions: { uid: 'another' } });
    await assert.rejects(deletion, { status: 409, reason: 'Conflict' });
    assert.ok(await get('precious'));
  });

  it('secrets take stringData, and data of revisions is immutable', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace }, stringData: { a: 'b' } };
    const made = await plane.client.create(secrets, secret);
    assert.deepEqual([made.data, made.type], [{ a: 'Yg==' }, 'Opaque']);
    const metadata = { name: 'r', namespace };
    const revision = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, data: { spec: 1 }, revision: 1 };
    const kept = await plane.client.create(controllerRevisions, revision);
    await assert.rejects(plane.client.replace(controllerRevisions, { ...kept, data: { spec: 2 } }), {
      status: 422,
      message: /data: Invalid value: .*field is immutable/,
    });
  });

  it('a namespace is Active and carries its name as a label', async () => {
    const made = await plane.client.get(namespaces, { name: namespace });
    assert.equal(made?.status?.phase, 'Active');
    assert.equal(made?.metadata.labels?.['kubernetes.io/metadata.name'], namespace);
  });

  describe('pods', () => {
    const pod = (name: string, more: Partial<Pod['spec']> = {}, metadata: Partial<ObjectMeta> = {}): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, ...metadata },
      spec: { containers: [{ name: 'c', image: 'registry.example/i:1' }], terminationGracePeriodSeconds: 20, ...more },
    });
    // No controller looks at a pod whose node is there.
    const onNode = { nodeName: 'n1' };
    before(() => plane.client.create<KubeObject>(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }));

    it('get the defaults that a writer must not fight', async () => {
      const { spec, status } = await plane.client.create(pods, pod('defaults'));
      assert.equal(spec.restartPolicy, 'Always');
      assert.equal(spec.dnsPolicy, 'ClusterFirst');
      assert.equal(spec.containers[0]?.terminationMessagePath, '/dev/termination-log');
      assert.equal(spec.containers[0]?.imagePullPolicy, 'IfNotPresent');
      assert.equal(spec.tolerations?.length, 2);
      assert.equal(status?.phase, 'Pending');
    });

    it('wait for kubelet when they are scheduled, and go at once when they are not', async () => {
      await plane.client.create(pods, pod('free'));
      await plane.client.delete(pods, { namespace, name: 'free' });
      assert.equal(await plane.client.get(pods, { namespace, name: 'free' }), undefined);
      const made = await plane.client.create(pods, pod('bound', onNode));
      await plane.client.delete(pods, made.metadata);
      const going = await plane.client.get(pods, made.metadata);
      assert.equal(going?.metadata.deletionGracePeriodSeconds, 20);
      assert.equal(going?.metadata.generation, (made.metadata.generation ?? 0) + 1);
      await plane.client.delete(pods, made.metadata, { gracePeriodSeconds: 0 });
      assert.equal(await plane.client.get(pods, made.metadata), undefined);
    });

    it('held by a finalizer go once kubelet and the finalizer let go, in either order', async () => {
      const finalizers = ['example.com/hold'];
      const release = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
      const first = await plane.client.create(pods, pod('held-1', onNode, { finalizers }));
      await plane.client.delete(pods, first.metadata);
      await plane.client.delete(pods, first.metadata, { gracePeriodSeconds: 0 });
      assert.ok(await plane.client.get(pods, first.metadata));
      await plane.client.patch(pods, first.metadata, release);
      assert.equal(await plane.client.get(pods, first.metadata), undefined);
      const second = await plane.client.create(pods, pod('held-2', onNode, { finalizers }));
      await plane.client.delete(pods, second.metadata);
      await plane.client.patch(pods, second.metadata, release);
      assert.ok(await plane.client.get(pods, second.metadata));
      await plane.client.delete(pods, second.metadata, { gracePeriodSeconds: 0 });
      assert.equal(await plane.client.get(pods, second.metadata), undefined);
    });

    it('keep their spec', async () => {
      const made = await plane.client.create(pods, pod('fixed'));
      const body = { spec: { nodeSelector: { a: 'b' } } };
      await assert.rejects(plane.client.patch(pods, made.metadata, { type: 'merge', body }), {
        status: 422,
        message: /spec: Forbidden: pod updates may not change fields other than/,
      });
    });

    it('are selected by node and by label', async () => {
      await plane.client.create(pods, pod('selected', onNode, { labels: { app: 'x', tier: 'a' } }));
      const names = async (options: object) =>
        (await plane.client.list(pods, { namespace, ...options })).items.map(({ metadata }) => metadata.name);
      assert.deepEqual(await names({ fieldSelector: 'spec.nodeName=n1' }), ['selected']);
      assert.deepEqual(await names({ labelSelector: 'app=x,tier in (a, b),!gone' }), ['selected']);
      assert.deepEqual(await names({ labelSelector: 'app,tier!=a' }), []);
      await assert.rejects(plane.client.list(pods, { fieldSelector: 'spec.foo=1' }), { status: 400 });
    });
  });
});
