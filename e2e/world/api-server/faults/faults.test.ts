import assert from 'node:assert/strict';
import { VirtualClock } from '../../../../shared/testing/virtual-clock.ts';
import { eventually } from '../../eventually.ts';
import { type RawClient, rawClient } from '../raw-client.ts';
import { type ApiServer, startApiServer } from '../server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const map = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } };
const watch = (path: string) => `${path}?watch=1&resourceVersion=1`;

describe('faults of the embedded API server', () => {
  let server: ApiServer;
  let victim: RawClient;
  let other: RawClient;
  let clock: VirtualClock;
  beforeEach(async () => {
    clock = new VirtualClock();
    server = await startApiServer({ clock, name: 'faulty' });
    victim = rawClient(server.kubeconfig('victim'));
    other = rawClient(server.kubeconfig('other'));
  });
  afterEach(async () => {
    await server.stop();
    await Promise.all([victim.close(), other.close()]);
  });
  const names = async () => {
    const { body } = await other.call('GET', maps);
    return (body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
  };

  it('refuse as Kubernetes does, the user, verb and resource that the rule names', async () => {
    const fault = { type: 'refuse', code: 429, retryAfterSeconds: 7 } as const;
    const injection = server.faults.add({ fault, user: 'victim', verbs: ['create'], resources: ['configmaps'] });
    const refused = await victim.call('POST', maps, map('a'));
    assert.deepEqual(
      [refused.code, refused.body['reason'], refused.headers['retry-after']],
      [429, 'TooManyRequests', '7'],
    );
    assert.equal((await other.call('POST', maps, map('b'))).code, 201);
    assert.equal((await victim.call('GET', maps)).code, 200);
    assert.equal((await victim.call('POST', maps.replace('configmaps', 'secrets'), secret)).code, 201);
    assert.equal(injection.hits, 1);
    injection.remove();
    assert.equal((await victim.call('POST', maps, map('a'))).code, 201);
  });

  it('meet each so-many-th request, so many times', async () => {
    server.faults.add({ fault: { type: 'refuse', code: 500 }, verbs: ['list'], every: 2, count: 2 });
    const codes: number[] = [];
    for (let call = 0; call < 6; call++) codes.push((await victim.call('GET', maps)).code);
    assert.deepEqual(codes, [200, 500, 200, 500, 200, 200]);
  });

  it('meet the later pages of a list alone', async () => {
    server.faults.add({ fault: { type: 'refuse', code: 410 }, continued: true });
    for (const name of ['a', 'b']) await victim.call('POST', maps, map(name));
    const { code, body } = await victim.call('GET', `${maps}?limit=1`);
    assert.equal(code, 200);
    const token = (body['metadata'] as { continue: string }).continue;
    assert.equal((await victim.call('GET', `${maps}?limit=1&continue=${token}`)).code, 410);
  });

  it('break the connection before the request is performed, or after', async () => {
    const before = server.faults.add({ fault: { type: 'drop' }, user: 'victim' });
    await assert.rejects(victim.call('POST', maps, map('a')));
    before.remove();
    server.faults.add({ fault: { type: 'drop', performed: true }, user: 'victim' });
    await assert.rejects(victim.call('POST', maps, map('b')));
    assert.deepEqual(await names(), ['b']);
    assert.deepEqual(
      server.requests.writes({ user: 'victim' }).map(({ status }) => status),
      [0, 201],
    );
  });

  it('delay the request, or only its answer', async () => {
    const before = server.faults.add({ fault: { type: 'delay', delayMs: 5_000 }, user: 'victim' });
    const late = victim.call('POST', maps, map('a'));
    await eventually('it waits', () => clock.pending === 1);
    assert.deepEqual(await names(), []);
    await clock.advance(5_000);
    assert.equal((await late).code, 201);
    before.remove();
    server.faults.add({ fault: { type: 'delay', delayMs: 5_000, performed: true }, user: 'victim' });
    const performed = victim.call('POST', maps, map('b'));
    await eventually('it is performed', async () => (await names()).includes('b'));
    await clock.advance(5_000);
    assert.equal((await performed).code, 201);
  });

  it('leave a request without answer until the rule ends, which resets the connection', async () => {
    const injection = server.faults.add({ fault: { type: 'half-open' }, user: 'victim' });
    const hanging = victim.call('POST', maps, map('a')).then(
      () => 'answered',
      () => 'reset',
    );
    await eventually('it was accepted', () => injection.hits === 1);
    assert.deepEqual(await names(), []);
    injection.remove();
    assert.equal(await hanging, 'reset');
  });

  it('silence a watch that is open, which breaks when the rule ends', async () => {
    const seen = victim.watch(watch(maps)).then(
      () => 'ended',
      () => 'reset',
    );
    await eventually('it watches', () => server.requests.matching({ verb: 'watch' }).length === 1);
    const injection = server.faults.add({ fault: { type: 'half-open' }, user: 'victim' });
    await clock.advance(1_800_000);
    injection.remove();
    assert.equal(await seen, 'reset');
  });

  it('hold back what the watches of one kind say, in order, while others flow', async () => {
    const path = (plural: string) => `/api/v1/namespaces/default/${plural}`;
    const told: string[] = [];
    const follow = async (plural: string) => {
      const events = await victim.watch(`${watch(path(plural))}&timeoutSeconds=60`);
      for (const { type, object } of events) told.push(`${type} ${(object['metadata'] as { name: string }).name}`);
    };
    const injection = server.faults.add({ fault: { type: 'hold-events' }, resources: ['configmaps'] });
    const held = follow('configmaps');
    const flowing = follow('serviceaccounts');
    await eventually('both watch', () => server.requests.matching({ verb: 'watch' }).length === 2);
    await other.call('POST', maps, map('a'));
    await other.call('DELETE', `${maps}/a`);
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 's' } };
    await other.call('POST', path('serviceaccounts'), account);
    await clock.advance(60_000);
    await flowing;
    assert.deepEqual(told, ['ADDED s']);
    injection.remove();
    await held;
    assert.deepEqual(told, ['ADDED s', 'ADDED a', 'DELETED a']);
  });

  it('tell open watches that their version is too old', async () => {
    const watched = victim.watch(watch(maps));
    await eventually('it watches', () => server.requests.matching({ verb: 'watch' }).length === 1);
    server.faults.add({ fault: { type: 'refuse', code: 410 }, verbs: ['watch'] });
    const [event] = await watched;
    assert.deepEqual([event?.type, event?.object['code']], ['ERROR', 410]);
  });
});
