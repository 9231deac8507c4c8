import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stringify } from 'yaml';
import type { KubeError } from './errors.ts';
import type { Secret } from './object.ts';
import { nodes, secrets } from './resources.ts';
import { createKubeClient, type KubeClientOptions } from './transport.ts';

describe('the transport, before a server that is broken or hostile', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function connect(answer: (response: ServerResponse) => void, options: Partial<KubeClientOptions> = {}) {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      answer(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    closers.push(() => server.closeAllConnections());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const text = stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: address } }],
    });
    const client = createKubeClient({ kubeconfig: { text }, ...options });
    closers.push(() => client.close());
    return { client, seen };
  }
  const watching = async (body: string) => {
    const { client } = await connect((response) => void response.end(body));
    const events: unknown[] = [];
    const signal = new AbortController().signal;
    for await (const event of client.watch(nodes, { resourceVersion: '1', signal })) events.push(event);
    return events;
  };

  for (const [what, answer] of [
    [
      'a redirect',
      (response: ServerResponse) =>
        response.writeHead(302, { location: '/login', 'content-type': 'application/json' }).end('{}'),
    ],
    [
      "a proxy's page",
      (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>later</html>'),
    ],
    [
      'an object that breaks off',
      (response: ServerResponse) => {
        response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"kind":', () => response.destroy());
      },
    ],
  ] as const) {
    it(`takes no write for done that is answered with ${what}, whether or not somebody reads the answer`, async () => {
      const { client } = await connect((response) => void answer(response));
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } };
      await assert.rejects(client.create(nodes, node));
      await assert.rejects(client.create(nodes, node, { answer: 'unread' }));
      await assert.rejects(client.replace(nodes, node, { answer: 'unread' }));
    });
  }

  it('reads no more of a refusal than a Status can be, also on a watch', async () => {
    const endless = (response: ServerResponse) => {
      response.writeHead(500);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    };
    const { client } = await connect(endless);
    const refused = (error: KubeError) => error.status === 500 && error.message.length <= 2048;
    await assert.rejects(client.get(nodes, { name: 'a' }), refused);
    const watch = client.watch(nodes, { resourceVersion: '1', signal: new AbortController().signal });
    await assert.rejects(async () => {
      for await (const _ of watch) assert.fail('an event');
    }, refused);
  });

  it('takes no escape, line break, label of its own or endless pause from a Status', async () => {
    const status = { reason: 'a b\n'.repeat(99), message: 'no\u001b[31m\nreally\u009b2J' };
    const { client } = await connect((response) =>
      response.writeHead(503, { 'retry-after': '999999' }).end(JSON.stringify(status)),
    );
    await assert.rejects(client.get(nodes, { name: 'a' }), {
      message: 'no [31m really 2J',
      reason: 'ServiceUnavailable',
      retryAfterMs: 600_000,
    });
  });

  for (const answer of ['{}', 'null', '[]', '{"metadata":{},"items":[]}', '{"items":[]}', '<html>', '"x"', '{"a":']) {
    it(`does not take ${answer} for an empty list`, async () => {
      const { client } = await connect((response) => void response.end(answer));
      await assert.rejects(client.list(nodes), { status: 0, reason: 'ConnectionFailed' });
    });
  }

  it('takes no list with items that are no objects', async () => {
    const { client } = await connect(
      (response) => void response.end('{"metadata":{"resourceVersion":"1"},"items":[null]}'),
    );
    await assert.rejects(client.list(nodes), { status: 0 });
  });

  it('quotes nothing of an answer that it cannot read: it may be a Secret', async () => {
    const { client } = await connect((response) => void response.end('{"data":{"password":hunter2'));
    const silent = (error: KubeError) => !/hunter2|password/.test(error.message);
    await assert.rejects(client.get<Secret>(secrets, { namespace: 'n', name: 'a' }), silent);
  });

  for (const line of [
    'null',
    '7',
    '{}',
    '{"type":"FOO","object":{"metadata":{}}}',
    '{"type":"ADDED"}',
    '{"type":"ERROR"}',
  ])
    it(`ends a watch at ${line}`, async () => {
      await assert.rejects(watching(`${line}\n`), { status: 0, reason: 'ConnectionFailed' });
    });

  it('hands on each event that is one, also with keys that JavaScript gives a meaning', async () => {
    const event = '{"type":"ADDED","object":{"metadata":{"name":"a","labels":{"__proto__":"x","constructor":"y"}}}}';
    assert.deepEqual(await watching(`\n${event}\n`), [JSON.parse(event)]);
  });

  it('[197] sends no write once another may lead, and still reads', async () => {
    let mayWrite = true;
    const { client, seen } = await connect((response) => void response.end('{}'), { mayWrite: () => mayWrite });
    await client.patch(nodes, { name: 'a' }, { type: 'merge', body: {} });
    mayWrite = false;
    await assert.rejects(client.patch(nodes, { name: 'a' }, { type: 'merge', body: {} }), { reason: 'NotLeading' });
    await assert.rejects(client.delete(nodes, { name: 'a' }), { reason: 'NotLeading' });
    await client.get(nodes, { name: 'a' });
    assert.deepEqual(seen, ['PATCH /api/v1/nodes/a', 'GET /api/v1/nodes/a']);
  });

  it('is not connected to by certificates that are none, which Node would take for no authority', () => {
    const base64 = Buffer.from('garbage').toString('base64');
    const text = (cluster: object, user: object) =>
      stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1', ...cluster } }],
        users: [{ name: 'u', user }],
      });
    const authority = text({ 'certificate-authority-data': base64 }, {});
    const client = text({}, { 'client-certificate-data': base64, 'client-key-data': base64 });
    const connecting = (kubeconfig: string) => () => createKubeClient({ kubeconfig: { text: kubeconfig } });
    assert.throws(
      connecting(authority),
      /^KubeconfigError: kubeconfig: the certificate authority is no PEM certificate/,
    );
    assert.throws(connecting(client), /^KubeconfigError: kubeconfig: client certificate and key cannot be used/);
  });
});
