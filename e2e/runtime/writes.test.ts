import assert from 'node:assert/strict';
import { isConflict, KubeError } from '../../shared/kube/errors.ts';
import { EventRecorder } from '../../shared/kube/events.ts';
import { addFinalizer, removeFinalizer } from '../../shared/kube/finalizer.ts';
import type { DaemonSet, KubeObject } from '../../shared/kube/object.ts';
import { ownerOf } from '../../shared/kube/ownership.ts';
import { configMaps, daemonSets, events, nodes } from '../../shared/kube/resources.ts';
import { writeStatus } from '../../shared/kube/status.ts';
import { writeOwned } from '../../shared/kube/write.ts';
import { eventually } from '../world/eventually.ts';
import { configMap, type Plane, startPlane } from './plane.ts';

const at = { namespace: 'default', name: 'loader' };

function loader(image: string): DaemonSet {
  const labels = { app: 'loader' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { ...at, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'OnDelete' },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: 'main', image, resources: { requests: { cpu: '1000m', memory: '1024Mi' } } }],
          tolerations: [{ key: 'a', operator: 'Exists' }],
        },
      },
    },
  };
}

describe('writes against an API server', () => {
  let plane: Plane;
  beforeEach(async () => {
    plane = await startPlane();
  });
  afterEach(() => plane.stop());

  it('write an object with server defaults once', async () => {
    const { client, server } = plane;
    const owner = ownerOf(await client.create(configMaps, configMap('owner')));
    assert.equal(await writeOwned(client, daemonSets, { present: undefined, wanted: loader('i:1'), owner }), 'created');
    const present = await client.get(daemonSets, at);
    assert.notEqual(present?.spec.template.spec?.restartPolicy, undefined, 'the server added no defaults');
    server.requests.clear();
    assert.equal(await writeOwned(client, daemonSets, { present, wanted: loader('i:1'), owner }), 'unchanged');
    assert.equal(server.requests.total, 0);
    assert.equal(await writeOwned(client, daemonSets, { present, wanted: loader('i:2'), owner }), 'updated');
    const after = await client.get(daemonSets, at);
    assert.equal(after?.spec.template.spec?.containers[0]?.image, 'i:2');
    assert.equal(await writeOwned(client, daemonSets, { present: after, wanted: loader('i:2'), owner }), 'unchanged');
    assert.equal(server.requests.writes().length, 1);
  });

  it('are a conflict over an old version, and over an object that someone else made', async () => {
    const { client } = plane;
    await client.create(configMaps, configMap('a', { k: '1' }));
    const old = await client.get(configMaps, { namespace: 'default', name: 'a' });
    const body = { metadata: { labels: { theirs: '1' } } };
    await client.patch(configMaps, { namespace: 'default', name: 'a' }, { type: 'merge', body });
    const wanted = configMap('a', { k: '2' });
    await assert.rejects(writeOwned(client, configMaps, { present: old, wanted }), isConflict);
    const exists = { status: 409, reason: 'AlreadyExists' };
    await assert.rejects(writeOwned(client, configMaps, { present: undefined, wanted }), exists);
    const present = await client.get(configMaps, { namespace: 'default', name: 'a' });
    assert.equal(await writeOwned(client, configMaps, { present, wanted }), 'updated');
    const after = await client.get(configMaps, { namespace: 'default', name: 'a' });
    assert.deepEqual([after?.data, after?.metadata.labels], [{ k: '2' }, { theirs: '1' }]);
  });

  it('hold an object by a finalizer until that is removed', async () => {
    const { client } = plane;
    const here = { namespace: 'default', name: 'a' };
    const made = await client.create(configMaps, configMap('a'));
    assert.equal(await addFinalizer(client, configMaps, made, 'x.io/ours'), true);
    await assert.rejects(addFinalizer(client, configMaps, made, 'x.io/ours'), isConflict);
    await client.delete(configMaps, here);
    const held = await client.get(configMaps, here);
    assert.notEqual(held?.metadata.deletionTimestamp, undefined);
    assert.equal(
      await writeOwned(client, configMaps, { present: held, wanted: configMap('a', { k: '1' }) }),
      'terminating',
    );
    assert.equal(await removeFinalizer(client, configMaps, held!, 'x.io/ours'), true);
    assert.equal(await client.get(configMaps, here), undefined);
    assert.equal(await removeFinalizer(client, configMaps, held!, 'x.io/ours'), false);
  });

  it('write a status once, and leave the rest alone', async () => {
    const { client, server } = plane;
    const node = await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, spec: {} });
    const status = { phase: 'Running', capacity: { cpu: '2' } };
    assert.equal(await writeStatus(client, nodes, node, status), true);
    const present = (await client.get(nodes, { name: 'n1' }))!;
    server.requests.clear();
    assert.equal(await writeStatus(client, nodes, present, { ...present.status }), false);
    assert.equal(server.requests.total, 0);
    const { phase: _, ...rest } = present.status ?? {};
    assert.equal(await writeStatus(client, nodes, present, rest), true);
    assert.equal((await client.get(nodes, { name: 'n1' }))?.status?.phase, undefined);
  });

  it('tell an event that the server takes', async () => {
    const { client, runtime } = plane;
    const recorder = new EventRecorder({ client, runtime, controller: 'kmm', instance: 'kmm-0' });
    const regarding: KubeObject = await client.create(configMaps, configMap('a'));
    recorder.record({ regarding, type: 'Warning', reason: 'Broken', note: 'it broke', action: 'Break' });
    const seen = await eventually('the event', async () => (await client.list(events)).items[0]);
    assert.deepEqual([seen.note, seen.regarding.name, seen.regarding.uid], ['it broke', 'a', regarding.metadata.uid]);
  });
});

describe('the transport against an API server', () => {
  it('says who may not do what', async () => {
    const plane = await startPlane({ authorize: ({ verb, resource }) => verb !== 'create' || resource === 'nodes' });
    try {
      await assert.rejects(plane.client.create(configMaps, configMap('a')), { status: 403, reason: 'Forbidden' });
    } finally {
      await plane.stop();
    }
  });

  it('takes an object that is not there for no failure of get and delete', async () => {
    const plane = await startPlane();
    try {
      assert.equal(await plane.client.get(configMaps, at), undefined);
      await plane.client.delete(configMaps, at);
      await assert.rejects(plane.client.replace(configMaps, configMap('loader')), { status: 404 });
    } finally {
      await plane.stop();
    }
  });

  it('fails with what is wrong when nobody listens, and when it is closed', async () => {
    const plane = await startPlane();
    await plane.server.stop();
    await assert.rejects(plane.client.get(configMaps, at), (error) => {
      return error instanceof KubeError && error.status === 0 && /ECONNREFUSED/.test(error.message);
    });
    await plane.client.close();
    await assert.rejects(plane.client.get(configMaps, at), { status: 0, reason: 'ConnectionFailed' });
    await plane.stop();
  });
});
