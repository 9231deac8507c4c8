import assert from 'node:assert/strict';
import { systemClock } from '../../../shared/core/clock.ts';
import { type RawClient, rawClient } from './raw-client.ts';
import { type ApiServer, startApiServer } from './server.ts';

describe('the embedded API server', () => {
  let server: ApiServer;
  let client: RawClient;

  beforeEach(async () => {
    server = await startApiServer({ clock: systemClock, name: 'hub' });
    client = rawClient(server);
  });

  afterEach(async () => {
    await client.close();
    await server.stop();
  });

  const pods = '/api/v1/namespaces/default/pods';
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'registry.example/i:1' }] };
  const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });

  it('answers 404 in Kubernetes’ words for a namespace that is not there', async () => {
    const answer = await client.call('POST', '/api/v1/namespaces/x/pods', pod('a'));
    assert.equal(answer.code, 404);
    assert.equal(answer.body['message'], 'namespaces "x" not found');
  });

  it('answers 401 to a token that it did not make', async () => {
    const stranger = rawClient(server, null);
    assert.equal((await stranger.call('GET', pods)).code, 401);
    const forged = await stranger.call('GET', pods, undefined, { authorization: 'Bearer c3lzdGVtOmFkbWlu.AAAA' });
    assert.equal(forged.code, 401);
    await stranger.close();
  });

  it('lists built-in items without apiVersion and kind, as Kubernetes does', async () => {
    await client.call('POST', pods, pod('a'));
    const { body } = await client.call('GET', pods);
    assert.equal(body['kind'], 'PodList');
    assert.deepEqual(Object.keys((body['items'] as object[])[0]!), ['metadata', 'spec', 'status']);
  });

  it('remembers requests with user, verb and status', async () => {
    await client.call('POST', pods, pod('a'));
    await client.call('GET', `${pods}/b`);
    const seen = server.requests.entries.map(({ verb, resource, user, status }) => [verb, resource, user, status]);
    assert.deepEqual(seen, [
      ['create', 'pods', 'system:admin', 201],
      ['get', 'pods', 'system:admin', 404],
    ]);
    assert.equal(server.requests.writes().length, 1);
  });
});
