import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { sleep, systemClock } from '../core/clock.ts';
import { PrometheusMeters } from '../process/metrics.ts';
import { parseExposition } from '../testing/exposition.ts';
import { settle } from '../testing/virtual-clock.ts';
import type { KubeClient } from './client.ts';
import { isGone } from './errors.ts';
import type { Node } from './object.ts';
import { nodes, pods } from './resources.ts';
import { createKubeClient, type KubeClientOptions } from './transport.ts';

type Answer = (request: IncomingMessage & { body: string }, response: ServerResponse) => void;
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, headers).end(JSON.stringify(body));

describe('the transport', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** A client of a plain HTTP server that answers as told. */
  async function connect(answer: Answer, options: Partial<KubeClientOptions> & { user?: object } = {}) {
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      answer(Object.assign(request, { body }), response);
    });
    // As Kubernetes' API server, which does not say how long it keeps a connection.
    server.keepAliveTimeout = 0;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    closers.push(() => server.closeAllConnections());
    const { user = { token: 't' }, ...rest } = options;
    const text = stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [
        { name: 'c', cluster: { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix` } },
      ],
      users: [{ name: 'u', user }],
    });
    const client = createKubeClient({ kubeconfig: { text }, userAgent: 'kmm/1', ...rest });
    closers.push(() => client.close());
    return client;
  }

  it('counts its requests by verb, resource and status, never by object', async () => {
    const meters = new PrometheusMeters();
    const client = await connect(
      (request, response) => {
        if (request.method === 'DELETE') return response.destroy();
        json(response, request.url?.endsWith('/b') ? 404 : 200, { metadata: { resourceVersion: '1' }, items: [] });
      },
      { meters },
    );
    const at = { namespace: 'n', name: 'a' };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: at, spec: { containers: [] } };
    await client.get(pods, at);
    await client.get(pods, { ...at, name: 'b' });
    await client.list(pods);
    await client.create(pods, object);
    await client.replace(pods, object);
    await client.patch(pods, at, { type: 'merge', body: {} });
    await assert.rejects(client.delete(pods, at));
    for await (const _ of client.watch(nodes, { resourceVersion: '1', signal: new AbortController().signal })) break;
    const { body } = await meters.exposition();
    const counted = parseExposition(body).get('kmm_api_requests_total')?.samples;
    assert.deepEqual(
      counted?.map(({ labels, value }) => [...Object.values(labels), value].join(' ')),
      [
        'get pods 200 1',
        'get pods 404 1',
        'list pods 200 1',
        'create pods 200 1',
        'update pods 200 1',
        'patch pods 200 1',
        'delete pods 0 1',
        'watch nodes 200 1',
      ],
    );
  });

  it('sends each call as the API asks for it', async () => {
    const seen: string[] = [];
    const client = await connect((request, response) => {
      const type = request.headers['content-type'] ?? '-';
      seen.push([request.method, request.url, type, request.body].join(' '));
      assert.equal(request.headers.authorization, 'Bearer t');
      assert.equal(request.headers['user-agent'], 'kmm/1');
      json(response, 200, { metadata: { resourceVersion: '1' }, items: null });
    });
    const at = { namespace: 'n', name: 'a' };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: at, spec: { containers: [] } };
    await client.get(pods, at);
    const list = await client.list(pods, { labelSelector: 'a in (b)', limit: 5, continue: 't/k', fieldSelector: '' });
    assert.deepEqual(list.items, []);
    await client.create(pods, object);
    await client.replace(pods, object, { subresource: 'status' });
    await client.patch(pods, at, { type: 'merge', body: { a: null } });
    await client.patch(
      pods,
      at,
      { type: 'json', operations: [{ op: 'remove', path: '/a' }] },
      { subresource: 'status' },
    );
    await client.delete(pods, at, { propagationPolicy: 'Foreground', preconditions: { uid: 'u' } });
    const body = JSON.stringify(object);
    const one = '/prefix/api/v1/namespaces/n/pods/a';
    assert.deepEqual(seen, [
      `GET ${one} - `,
      'GET /prefix/api/v1/pods?labelSelector=a+in+%28b%29&limit=5&continue=t%2Fk - ',
      `POST /prefix/api/v1/namespaces/n/pods application/json ${body}`,
      `PUT ${one}/status application/json ${body}`,
      `PATCH ${one} application/merge-patch+json {"a":null}`,
      `PATCH ${one}/status application/json-patch+json [{"op":"remove","path":"/a"}]`,
      `DELETE ${one} application/json {"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","preconditions":{"uid":"u"}}`,
    ]);
  });

  it('asks for the kinds of a version, of which there are none where nobody serves it', async () => {
    const answers: Record<string, unknown> = {
      '/prefix/apis/build.openshift.io/v1': { resources: [{ name: 'builds' }, { name: 'builds/log' }] },
      '/prefix/api/v1': { items: [] },
    };
    const client = await connect(({ url = '' }, response) => json(response, url in answers ? 200 : 404, answers[url]));
    assert.deepEqual(await client.served('build.openshift.io', 'v1'), ['builds']);
    assert.deepEqual(await client.served('image.openshift.io', 'v1'), []);
    await assert.rejects(client.served('', 'v1'), /no list of kinds/);
  });

  it('gives the items of a list the kind that built-in lists leave out', async () => {
    const items = [{ metadata: { name: 'a' } }];
    const client = await connect((_request, response) =>
      json(response, 200, { metadata: { resourceVersion: '1' }, items }),
    );
    const [first] = (await client.list(nodes)).items;
    assert.deepEqual([first?.apiVersion, first?.kind], ['v1', 'Node']);
  });

  it('has no more calls under way than it may, and lets others pass a watch', async () => {
    const waiting: ServerResponse[] = [];
    const client = await connect(
      (request, response) => {
        if (request.url?.includes('watch=true')) response.writeHead(200).flushHeaders();
        else waiting.push(response);
      },
      { concurrency: 3 },
    );
    const abort = new AbortController();
    const watches = Array.from({ length: 5 }, () => drain(client, abort.signal));
    const calls = Array.from({ length: 9 }, (_, index) => client.get(nodes, { name: String(index) }));
    for (let round = 0; round < 3; round++) {
      while (waiting.length < 3) await settle();
      for (let turn = 0; turn < 5; turn++) await settle();
      assert.equal(waiting.length, 3);
      for (const response of waiting.splice(0)) json(response, 200, {});
    }
    await Promise.all(calls);
    abort.abort();
    await Promise.all(watches);
  });

  it('says a refusal with its reason and when to come back', async () => {
    const client = await connect((_request, response) => {
      json(response, 429, { reason: 'TooManyRequests', message: 'slow down' }, { 'retry-after': '3' });
    });
    const expected = { status: 429, reason: 'TooManyRequests', message: 'slow down', retryAfterMs: 3000 };
    await assert.rejects(client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }), expected);
  });

  it('tries once more with a token that was rotated, and not again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'transport-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'one');
    let valid = 'Bearer one';
    let asked = 0;
    const client = await connect(
      (request, response) => {
        asked += 1;
        if (request.headers.authorization === valid) json(response, 200, {});
        else json(response, 401, { reason: 'Unauthorized', message: 'no' });
      },
      { user: { tokenFile } },
    );
    await client.get(nodes, { name: 'a' });
    valid = 'Bearer two';
    writeFileSync(tokenFile, 'two');
    await client.get(nodes, { name: 'a' });
    assert.equal(asked, 3);
    valid = 'Bearer three';
    await assert.rejects(client.get(nodes, { name: 'a' }), { status: 401 });
    assert.equal(asked, 5);
  });

  it('gives up on a server that does not answer', async () => {
    const client = await connect(() => undefined, { requestTimeoutMs: 100 });
    await assert.rejects(client.get(nodes, { name: 'a' }), { status: 0, reason: 'ConnectionFailed' });
  });

  it('fails on an answer that is no JSON', async () => {
    const client = await connect((_request, response) => void response.writeHead(200).end('<html>'));
    await assert.rejects(client.get(nodes, { name: 'a' }), { status: 0, reason: 'ConnectionFailed' });
  });

  it('reads a watch event by event, and says when it was refused or broke', async () => {
    const event = { type: 'ADDED', object: { metadata: { name: 'a' } } };
    const answers: Answer[] = [
      (_request, response) => void response.writeHead(200).end(`${JSON.stringify(event)}\n`),
      (_request, response) => json(response, 410, { reason: 'Expired', message: 'too old' }),
      (_request, response) => {
        response.writeHead(200).write(`${JSON.stringify(event)}\n`);
        setImmediate(() => response.destroy());
      },
    ];
    const client = await connect((request, response) => {
      assert.match(request.url ?? '', /\?resourceVersion=5&timeoutSeconds=9&watch=true&allowWatchBookmarks=true$/);
      answers.shift()?.(request, response);
    });
    assert.deepEqual(await drain(client), [event]);
    await assert.rejects(drain(client), isGone);
    await assert.rejects(drain(client), { status: 0, reason: 'ConnectionFailed' });
  });

  it('asks again by the same connection after some seconds of silence', async () => {
    const ports = new Set<number | undefined>();
    const client = await connect((request, response) => {
      ports.add(request.socket.remotePort);
      json(response, 200, { metadata: { name: 'n' } });
    });
    await client.get(nodes, { name: 'n' });
    // More than the four seconds that undici would keep it.
    await sleep(systemClock, 6_000);
    await client.get(nodes, { name: 'n' });
    assert.equal(ports.size, 1);
  });

  it('ends a watch without an error when it is told to', async () => {
    const abort = new AbortController();
    const client = await connect((_request, response) => {
      response.writeHead(200).flushHeaders();
      setImmediate(() => abort.abort());
    });
    assert.deepEqual(await drain(client, abort.signal), []);
  });
});

async function drain(client: KubeClient, signal = new AbortController().signal): Promise<unknown[]> {
  const seen: unknown[] = [];
  const options = { resourceVersion: '5', timeoutSeconds: 9, signal };
  for await (const event of client.watch<Node>(nodes, options)) seen.push(event);
  return seen;
}
