import assert from 'node:assert/strict';
import type { KubeObject, OwnerReference } from '../../shared/kube/object.ts';
import { configMaps, namespaces, resource, secrets } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

describe('conformance: garbage collection', () => {
  let plane: Plane;
  let namespace: string;

  before(async () => {
    plane = await startPlane();
    namespace = await plane.newNamespace();
  });
  after(() => plane.stop());

  function configMap(name: string, owner?: KubeObject, more: Partial<OwnerReference> = {}): KubeObject {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, ...(owner && { ownerReferences: [reference(owner, more)] }) },
    };
  }

  function reference(owner: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference {
    const { name, uid = '' } = owner.metadata;
    return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, ...more };
  }

  const create = (object: KubeObject) => plane.client.create<KubeObject>(configMaps, object);
  const present = async (name: string) => (await plane.client.get(configMaps, { namespace, name })) !== undefined;
  const gone = (name: string) => eventually(`${name} is gone`, async () => !(await present(name)));

  it('deletes dependents after their owner, through several generations', async () => {
    const owner = await create(configMap('owner-1'));
    const child = await create(configMap('child-1', owner));
    await create(configMap('grandchild-1', child));
    await plane.client.delete(configMaps, owner.metadata);
    await gone('grandchild-1');
    assert.equal(await present('child-1'), false);
  });

  it('deletes what is made for an owner that is not there any more', async () => {
    const owner = await create(configMap('owner-2'));
    await plane.client.delete(configMaps, owner.metadata);
    await create(configMap('late-2', owner));
    await gone('late-2');
  });

  it('keeps what still has another owner, and drops the reference to the lost one', async () => {
    const [first, second] = [await create(configMap('owner-3a')), await create(configMap('owner-3b'))];
    const shared = configMap('shared-3');
    shared.metadata.ownerReferences = [reference(first), reference(second)];
    await create(shared);
    await plane.client.delete(configMaps, first.metadata);
    await eventually('one owner is left', async () => {
      const now = await plane.client.get(configMaps, { namespace, name: 'shared-3' });
      return now?.metadata.ownerReferences?.map(({ name }) => name).join() === 'owner-3b';
    });
  });

  it('with Foreground, the owner stays until its blocking dependents are gone', async () => {
    const owner = await create(configMap('owner-4'));
    const held = configMap('held-4', owner, { blockOwnerDeletion: true });
    held.metadata.finalizers = ['example.com/hold'];
    await create(held);
    await plane.client.delete(configMaps, owner.metadata, { propagationPolicy: 'Foreground' });
    await eventually('the dependent is being deleted', async () => {
      const now = await plane.client.get(configMaps, { namespace, name: 'held-4' });
      return now?.metadata.deletionTimestamp !== undefined;
    });
    const waiting = await plane.client.get(configMaps, owner.metadata);
    assert.deepEqual(waiting?.metadata.finalizers, ['foregroundDeletion']);
    await plane.client.patch(configMaps, held.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    await gone('owner-4');
  });

  it('with Foreground, dependents that do not block are deleted but not waited for', async () => {
    const owner = await create(configMap('owner-9'));
    const held = configMap('held-9', owner);
    held.metadata.finalizers = ['example.com/hold'];
    await create(held);
    await plane.client.delete(configMaps, owner.metadata, { propagationPolicy: 'Foreground' });
    await gone('owner-9');
    await eventually('the dependent is being deleted', async () => {
      const now = await plane.client.get(configMaps, { namespace, name: 'held-9' });
      return now?.metadata.deletionTimestamp !== undefined;
    });
    await plane.client.patch(configMaps, held.metadata, { type: 'merge', body: { metadata: { finalizers: null } } });
    await gone('held-9');
  });

  it('with Background, the owner goes at once and its dependents follow', async () => {
    const owner = await create(configMap('owner-10'));
    await create(configMap('below-10', owner, { blockOwnerDeletion: true }));
    await plane.client.delete(configMaps, owner.metadata, { propagationPolicy: 'Background' });
    assert.equal(await present('owner-10'), false);
    await gone('below-10');
  });

  it('with Orphan, dependents stay and lose the reference', async () => {
    const owner = await create(configMap('owner-5'));
    await create(configMap('orphan-5', owner));
    await plane.client.delete(configMaps, owner.metadata, { propagationPolicy: 'Orphan' });
    await gone('owner-5');
    const orphan = await plane.client.get(configMaps, { namespace, name: 'orphan-5' });
    assert.equal(orphan?.metadata.ownerReferences, undefined);
  });

  it('a Job that is deleted without a policy orphans its dependents', async () => {
    const jobs = resource<KubeObject>('batch', 'v1', 'Job', 'jobs', true);
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.example/i:1' }] } };
    const metadata = { name: 'job-8', namespace };
    const job = await plane.client.create(jobs, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata,
      spec: { template },
    } as KubeObject);
    await create(configMap('below-8', job));
    await plane.client.delete(jobs, metadata);
    await eventually('the job is gone', async () => (await plane.client.get(jobs, metadata)) === undefined);
    const orphan = await plane.client.get(configMaps, { namespace, name: 'below-8' });
    assert.equal(orphan?.metadata.ownerReferences, undefined);
    assert.ok(orphan);
  });

  it('follows a cluster-scoped owner of a namespaced object', async () => {
    const other = await plane.newNamespace();
    const owner = await plane.client.get(namespaces, { name: other });
    assert.ok(owner);
    await create(configMap('below-6', owner));
    await plane.client.delete(namespaces, { name: other });
    await gone('below-6');
  });

  it('takes a uid under another name for an absent owner', async () => {
    const owner = await create(configMap('owner-7'));
    await create(configMap('wrong-7', owner, { name: 'owner-x' }));
    await gone('wrong-7');
    assert.equal(await present('owner-7'), true);
  });

  it('empties a namespace before it goes, and waits for finalizers in it', async () => {
    const doomed = await plane.newNamespace();
    const metadata = { name: 'held', namespace: doomed, finalizers: ['example.com/hold'] };
    await plane.client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata });
    await plane.client.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'free', namespace: doomed },
    });
    await plane.client.delete(namespaces, { name: doomed });
    await eventually('the free secret is gone', async () => {
      const { items } = await plane.client.list(secrets, { namespace: doomed });
      return items.map(({ metadata: { name } }) => name).join() === 'held';
    });
    const late = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late', namespace: doomed } };
    await assert.rejects(plane.client.create(secrets, late), {
      status: 403,
      message: /because it is being terminated/,
    });
    const held = { namespace: doomed, name: 'held' };
    await plane.client.patch(secrets, held, {
      type: 'json',
      operations: [{ op: 'remove', path: '/metadata/finalizers' }],
    });
    await eventually('the namespace is gone', async () => {
      return (await plane.client.get(namespaces, { name: doomed })) === undefined;
    });
  });
});
