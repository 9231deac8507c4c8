import assert from 'node:assert/strict';
import { systemClock } from '../../../shared/core/clock.ts';
import { VirtualClock } from '../../../shared/testing/virtual-clock.ts';
import { eventually } from '../eventually.ts';
import { type RawClient, rawClient } from './raw-client.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';

const pods = '/api/v1/namespaces/default/pods';
const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'registry.example/i:1' }] };
const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });

describe('the embedded API server', () => {
  let server: ApiServer;
  let client: RawClient;

  async function start(options: Partial<ApiServerOptions> = {}): Promise<void> {
    server = await startApiServer({ clock: systemClock, name: 'hub', ...options });
    client = rawClient(server.kubeconfig());
  }
  afterEach(async () => {
    await client.close();
    await server.stop();
  });

  it('answers 401 to a token that it did not make', async () => {
    await start();
    const stranger = rawClient(server.kubeconfig(), { anonymous: true });
    assert.equal((await stranger.call('GET', pods)).code, 401);
    const forged = await stranger.call('GET', pods, undefined, { authorization: 'Bearer c3lzdGVtOmFkbWlu.AAAA' });
    assert.equal(forged.code, 401);
    await stranger.close();
  });

  it('answers 403 in Kubernetes’ words to who may not', async () => {
    const asked: unknown[] = [];
    await start({
      authorize(request) {
        asked.push(request);
        return request.verb !== 'delete' ? true : 'not here';
      },
    });
    assert.equal((await client.call('POST', pods, pod('a'))).code, 201);
    const { code, body } = await client.call('DELETE', `${pods}/a`);
    assert.equal(code, 403);
    assert.equal(
      body['message'],
      'pods "a" is forbidden: User "system:admin" cannot delete resource "pods" in API group "" in the namespace "default": not here',
    );
    const where = { resource: 'pods', group: '', namespace: 'default', name: 'a' };
    assert.deepEqual(asked[1], { user: 'system:admin', verb: 'delete', ...where });
  });

  it('lists built-in items without apiVersion and kind, as Kubernetes does', async () => {
    await start();
    await client.call('POST', pods, pod('a'));
    const { body } = await client.call('GET', pods);
    assert.equal(body['kind'], 'PodList');
    assert.deepEqual(Object.keys((body['items'] as object[])[0]!), ['metadata', 'spec', 'status']);
  });

  it('remembers requests with user, verb and status, a bounded number of them', async () => {
    await start();
    await client.call('POST', pods, pod('a'));
    await client.call('GET', `${pods}/b`);
    const seen = server.requests.entries.map(({ verb, resource, user, status }) => [verb, resource, user, status]);
    assert.deepEqual(seen, [
      ['create', 'pods', 'system:admin', 201],
      ['get', 'pods', 'system:admin', 404],
    ]);
    assert.equal(server.requests.writes().length, 1);
    for (let count = 0; count < 100_000; count++) server.requests.add(server.requests.entries[0]!);
    assert.ok(server.requests.entries.length <= 75_000);
    assert.equal(server.requests.total, 100_002);
  });

  it('sends a bookmark every minute, and one before the time is up', async () => {
    const clock = new VirtualClock();
    await start({ clock });
    const watched = client.watch(`${pods}?watch=1&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=90`);
    await eventually('the watch has begun', () => clock.pending === 2);
    await clock.advance(60_000);
    await client.call('POST', pods, pod('a'));
    await clock.advance(30_000);
    const events = (await watched).map(({ type, object }) => `${type} ${revisionOf(object)}`);
    assert.deepEqual(events, ['BOOKMARK 5', 'ADDED 6', 'BOOKMARK 6']);
    assert.equal(clock.pending, 0);
  });

  it('answers 410 to a watch and to a page that are too old, as an ERROR event and as a status', async () => {
    await start({ historyMax: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await client.call('POST', pods, pod(name));
    const [error] = await client.watch(`${pods}?watch=1&resourceVersion=6&timeoutSeconds=5`);
    assert.equal(error?.type, 'ERROR');
    assert.deepEqual([error?.object['code'], error?.object['reason']], [410, 'Expired']);
    const { body } = await client.call('GET', `${pods}?limit=2`);
    const token = (body['metadata'] as { continue: string }).continue;
    server.compact();
    const page = await client.call('GET', `${pods}?limit=2&continue=${token}`);
    assert.deepEqual([page.code, page.body['reason']], [410, 'Expired']);
  });

  it('answers 504 to a list from a revision that it has not reached', async () => {
    await start();
    const { code, body } = await client.call('GET', `${pods}?resourceVersion=1000`);
    assert.deepEqual([code, body['reason']], [504, 'Timeout']);
  });

  it('deletes a collection by selector', async () => {
    await start();
    const names = async () =>
      ((await client.call('GET', pods)).body['items'] as { metadata: { name: string } }[]).length;
    for (const name of ['a', 'b']) await client.call('POST', pods, { ...pod(name), spec: { ...spec, nodeName: '' } });
    await client.call('DELETE', `${pods}?fieldSelector=metadata.name%3Da`);
    assert.equal(await names(), 1);
    await client.call('DELETE', pods);
    assert.equal(await names(), 0);
  });

  it('changes nothing on a dry run', async () => {
    await start();
    assert.equal((await client.call('POST', `${pods}?dryRun=All`, pod('a'))).code, 201);
    assert.equal((await client.call('GET', `${pods}/a`)).code, 404);
    await client.call('POST', pods, pod('a'));
    assert.equal((await client.call('DELETE', `${pods}/a?dryRun=All&gracePeriodSeconds=0`)).code, 200);
    assert.equal((await client.call('GET', `${pods}/a`)).code, 200);
  });

  it('takes strategic merge patches for built-in kinds', async () => {
    await start();
    await client.call('POST', pods, pod('a'));
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const containers = [{ name: 'c', image: 'registry.example/i:2' }];
    const { code, body } = await client.call('PATCH', `${pods}/a`, { spec: { containers } }, strategic);
    const patched = (body['spec'] as { containers: Record<string, unknown>[] }).containers[0];
    assert.deepEqual(
      [code, patched?.['image'], patched?.['imagePullPolicy']],
      [200, 'registry.example/i:2', 'IfNotPresent'],
    );
  });

  it('refuses protobuf of other kinds than kubectl makes, unknown patches, other paths and other methods', async () => {
    await start();
    await client.call('POST', pods, pod('a'));
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    const podBytes = Buffer.from('k8s\0\n\t\n\u0002v1\u0012\u0003Pod\u0012\0');
    assert.equal((await client.call('POST', pods, podBytes, protobuf)).code, 415);
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    assert.equal((await client.call('PATCH', `${pods}/a`, {}, apply)).code, 415);
    assert.equal((await client.call('GET', '/api/v1/unknowns')).code, 404);
    assert.equal((await client.call('POST', '/api/v1/pods', pod('b'))).code, 405);
    assert.equal((await client.call('POST', pods, '{')).code, 400);
    assert.equal((await client.call('POST', pods, { ...pod('b'), kind: 'Node' })).code, 400);
  });

  it('refuses other protobuf by name, and broken protobuf as broken', async () => {
    await start();
    const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    const refused = async (bytes: Buffer) => {
      const { code, body } = await client.call('POST', '/api/v1/namespaces/default/secrets', bytes, protobuf);
      return `${code} ${body['message']}`;
    };
    const secret = Buffer.from('azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=', 'base64');
    assert.match(
      await refused(Buffer.from(secret.toString('latin1').replace('Secret', 'Sekret'), 'latin1')),
      /^415 .*Sekret of v1/,
    );
    const withUnknownField = Buffer.from(secret);
    // The key of Secret.type, which the envelope's two fields follow.
    withUnknownField[withUnknownField.length - 6] = (9 << 3) | 2;
    assert.match(await refused(withUnknownField), /^415 .*field 9/);
    assert.match(await refused(secret.subarray(0, -3)), /^400 /);
    assert.match(await refused(Buffer.from('{}')), /^400 /);
  });

  it('makes no pod of a service account that is not there, in Kubernetes’ words', async () => {
    await start();
    const robots = { ...pod('a'), spec: { ...spec, serviceAccountName: 'robot' } };
    const { code, body } = await client.call('POST', pods, robots);
    assert.equal(code, 403);
    assert.match(String(body['message']), /^pods "a" is forbidden: error looking up service account default\/robot: /);
    const robot = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } };
    await client.call('POST', '/api/v1/namespaces/default/serviceaccounts', robot);
    assert.equal((await client.call('POST', pods, robots)).code, 201);
  });

  it('tells of unknown fields as asked: a warning by default, 400 when strict, nothing when ignored', async () => {
    await start();
    const odd = (name: string) => ({ ...pod(name), metadata: { name, odd: 1 } });
    const warned = await client.call('POST', pods, odd('a'));
    assert.match(String(warned.headers['warning']), /299 - "unknown field \\"metadata\.odd\\""/);
    const strict = await client.call('POST', `${pods}?fieldValidation=Strict`, odd('b'));
    assert.deepEqual(
      [strict.code, strict.body['message']],
      [400, 'strict decoding error: unknown field "metadata.odd"'],
    );
    const ignored = await client.call('POST', `${pods}?fieldValidation=Ignore`, odd('c'));
    assert.deepEqual([ignored.code, ignored.headers['warning']], [201, undefined]);
  });

  it('is discovered as clients do it', async () => {
    await start();
    const { body } = await client.call('GET', '/apis/apps/v1');
    const names = (body['resources'] as { name: string }[]).map(({ name }) => name);
    assert.ok(names.includes('daemonsets') && names.includes('daemonsets/status'));
    const openapi = await client.call('GET', '/openapi/v3/apis/apps/v1');
    assert.ok('/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}' in (openapi.body['paths'] as object));
    assert.equal((await client.call('GET', '/version')).body['major'], '1');
    const groups = (await client.call('GET', '/apis')).body['groups'] as { name: string }[];
    assert.ok(groups.some(({ name }) => name === 'coordination.k8s.io'));
  });
});

function revisionOf(object: Record<string, unknown>): string {
  return (object['metadata'] as { resourceVersion: string }).resourceVersion;
}
