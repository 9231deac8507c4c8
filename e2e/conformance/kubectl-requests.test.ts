import assert from 'node:assert/strict';
import { applyDefinitions, ourDefinitions } from '../world/api-server/definitions.ts';
import type { RawClient } from '../world/api-server/raw-client.ts';
import { eventually } from '../world/eventually.ts';
import { type Plane, startPlane } from './plane.ts';

/** Requests as kubectl 1.32 sends them, recorded from it: they are tried where no kubectl is, too. */
describe('conformance: what kubectl asks', () => {
  let plane: Plane;
  let client: RawClient;
  let namespace: string;
  const accept = ['v1', 'v1beta1'].map((version) => `application/json;as=Table;v=${version};g=meta.k8s.io`);
  const asTable = { accept: [...accept, 'application/json'].join(',') };
  const ours = '/apis/hub.kmm.sigs.x-k8s.io/v1beta1/managedclustermodules';

  before(async () => {
    plane = await startPlane();
    client = plane.raw;
    namespace = await plane.newNamespace();
    await applyDefinitions(plane.client, ourDefinitions());
    await eventually('our kinds are served', async () => (await client.call('GET', ours)).code === 200);
    await client.call('POST', ours, {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name: 'nic' },
      spec: { selector: {}, spokeNamespace: 'x', moduleSpec: { selector: {} } },
    });
  });
  after(() => plane.stop());

  const names = (table: Table) => table.columnDefinitions.map(({ name }) => name);

  it('a list as a table with the columns of our definition', async () => {
    const { body } = await client.call('GET', `${ours}?limit=500`, undefined, asTable);
    const table = body as unknown as Table;
    assert.deepEqual([table.kind, table.apiVersion], ['Table', 'meta.k8s.io/v1']);
    assert.deepEqual(names(table), ['Name', 'Clusters', 'Succeeded', 'Failed', 'Ready', 'Rollout', 'Reason', 'Age']);
    assert.deepEqual(table.rows[0]?.cells.slice(0, 5), ['nic', null, null, null, null]);
    assert.equal(table.rows[0]?.object.kind, 'PartialObjectMetadata');
    assert.match(String(table.metadata['resourceVersion']), /^\d+$/);
  });

  it('one object as a table, whole when it is asked for', async () => {
    const { body } = await client.call('GET', `${ours}/nic?includeObject=Object`, undefined, asTable);
    assert.equal((body as unknown as Table).rows[0]?.object.kind, 'ManagedClusterModule');
  });

  it('a page of a table says how to go on', async () => {
    const { body } = await client.call('GET', '/api/v1/namespaces?limit=2', undefined, asTable);
    const table = body as unknown as Table;
    assert.equal(table.rows.length, 2);
    assert.ok(Number(table.metadata['remainingItemCount']) >= 2);
    assert.ok(table.metadata['continue']);
  });

  it('a watch as tables of one row, the columns in the first only', async () => {
    const path = `${ours}?watch=true&timeoutSeconds=1`;
    const watched = client.watch(path, asTable);
    await client.call('PATCH', `${ours}/nic`, { metadata: { labels: { a: 'b' } } });
    const tables = (await watched).map(({ object }) => object as unknown as Table);
    assert.equal(tables[0]?.rows[0]?.cells[0], 'nic');
    assert.ok(names(tables[0]!).length > 0);
    assert.ok(tables.slice(1).every(({ columnDefinitions }) => columnDefinitions === null));
  });

  it('an error is an error, not a table', async () => {
    const { code, body } = await client.call('GET', `${ours}/none`, undefined, asTable);
    assert.deepEqual([code, body['kind'], body['reason']], [404, 'Status', 'NotFound']);
  });

  it('events.k8s.io events are core/v1 events, too, by the names that describe asks for', async () => {
    await client.call('POST', `/apis/events.k8s.io/v1/namespaces/default/events`, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'nic.1' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'kmm-hub',
      reportingInstance: 'hub-1',
      action: 'Ship',
      reason: 'Shipped',
      type: 'Normal',
      note: 'to edge-1',
      regarding: { kind: 'ManagedClusterModule', name: 'nic', uid: '1' },
    });
    const selector = 'involvedObject.name=nic,involvedObject.kind=ManagedClusterModule,involvedObject.uid=1';
    const found = await client.call('GET', `/api/v1/events?fieldSelector=${encodeURIComponent(selector)}`);
    const [event] = found.body['items'] as Record<string, unknown>[];
    assert.equal(event?.['message'], 'to edge-1');
    assert.deepEqual(event?.['involvedObject'], { kind: 'ManagedClusterModule', name: 'nic', uid: '1' });
    assert.equal(event?.['reportingComponent'], 'kmm-hub');
    assert.equal('note' in event || 'regarding' in event, false);
    const other = await client.call('GET', '/api/v1/events?fieldSelector=involvedObject.name%3Dother');
    assert.deepEqual(other.body['items'], []);
  });

  it('an event written as core/v1 is kept, changed and watched as one and the same', async () => {
    const core = '/api/v1/namespaces/default/events';
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'c' },
      message: 'm',
      involvedObject: { name: 'o' },
    };
    assert.equal((await client.call('POST', core, event)).body['message'], 'm');
    assert.equal((await client.call('PATCH', `${core}/c`, { message: 'n' })).body['message'], 'n');
    const { body } = await client.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/c');
    assert.deepEqual([body['note'], body['regarding'], body['apiVersion']], ['n', { name: 'o' }, 'events.k8s.io/v1']);
    const field = 'fieldSelector=metadata.name%3Dc&watch=1&timeoutSeconds=1';
    const [asCore] = await client.watch(`${core}?${field}`);
    assert.deepEqual([asCore?.object['apiVersion'], asCore?.object['message']], ['v1', 'n']);
  });

  const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  for (const [what, path, bytes, expected] of [
    [
      'create secret generic s --from-literal=a=b',
      'secrets',
      'azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=',
      { data: { a: 'Yg==' }, type: 'Opaque' },
    ],
    [
      'create configmap c --from-literal=a=b',
      'configmaps',
      'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhsKEQoBYxIAGgAiACoAMgA4AEIAEgYKAWESAWIaACIA',
      { data: { a: 'b' } },
    ],
    [
      'create namespace x',
      '',
      'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhkKEQoBeBIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==',
      { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } },
    ],
  ] as const)
    it(`the protobuf of kubectl ${what}`, async () => {
      const { code, body } = await client.call(
        'POST',
        `/api/v1/namespaces${path && `/${namespace}/${path}`}`,
        Buffer.from(bytes, 'base64'),
        protobuf,
      );
      const { apiVersion: _, kind: __, metadata, ...rest } = body;
      assert.deepEqual([code, rest], [201, expected]);
      assert.deepEqual(Object.keys(metadata as object).includes('generateName'), false);
    });

  it('a subresource that is not there is not found, so `kubectl logs` says so', async () => {
    assert.equal((await client.call('GET', `${ours}/nic/log`)).code, 404);
    assert.equal((await client.call('GET', `${ours}/nic/status`)).code, 200);
  });
});

interface Table {
  kind: string;
  apiVersion: string;
  metadata: Record<string, unknown>;
  columnDefinitions: { name: string }[];
  rows: { cells: unknown[]; object: { kind: string } }[];
}
