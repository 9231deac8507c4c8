import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { RegistryClient } from './client.ts';
import { parseReference } from './reference.ts';

describe('a registry that is broken or hostile', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    closers.push(() => server.closeAllConnections());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  function connect(options: { timeoutMs?: number; concurrency?: number } = {}) {
    const client = new RegistryClient({ clock: systemClock, timeoutMs: 5_000, ...options });
    closers.push(() => client.close());
    return (image: string) => {
      const parsed = parseReference(image);
      assert.ok(parsed.kind === 'reference');
      return client.exists({ reference: parsed.reference, tls: { insecure: true, insecureSkipTLSVerify: false } });
    };
  }

  it('that answers nobody keeps nobody from asking another one', async () => {
    let asked = 0;
    const silent = await serve(() => {
      asked += 1;
    });
    const digest = `sha256:${'0'.repeat(64)}`;
    const good = await serve((_request, response) =>
      response.writeHead(200, { 'docker-content-digest': digest }).end(),
    );
    const ask = connect({ concurrency: 4, timeoutMs: 60_000 });
    const hanging = Array.from({ length: 8 }, (_, index) => ask(`${silent}/a:${index}`));
    assert.deepEqual(await ask(`${good}/b:1`), { kind: 'found', digest });
    assert.ok(asked <= 3, `${asked} questions to one host at once`);
    for (const close of closers.splice(0).reverse()) await close();
    await Promise.all(hanging);
  });

  it('that sends a manifest without end is cut off', async () => {
    let sent = 0;
    const host = await serve((request, response) => {
      if (request.method === 'HEAD') return response.writeHead(405).end();
      const more = () => {
        do sent += 65_536;
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    const answer = await connect()(`${host}/a:1`);
    assert.match(answer.kind === 'unknown' ? answer.message : '', /expected at most 4194304 bytes, got more/);
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes`);
  });

  it('that drips its answer is given up in time', async () => {
    const host = await serve((request, response) => {
      if (request.method === 'HEAD') return response.writeHead(405).end();
      response.writeHead(200).write('{');
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    const answer = await connect({ timeoutMs: 200 })(`${host}/a:1`);
    assert.match(answer.kind === 'unknown' ? answer.message : '', /no answer within 0.2 s/);
  });

  it('says nothing that we repeat: neither what its status text nor what its page holds', async () => {
    const host = await serve((_request, response) => {
      response.writeHead(403, 'hunter2', { 'www-authenticate': 'hunter2' }).end('hunter2');
    });
    const answer = await connect()(`${host}/a:1`);
    assert.ok(answer.kind === 'unknown' && !answer.message.includes('hunter2'));
  });

  for (const image of ['999.999.999.999/x:y', 'host:70000/x:y', '[::::]/x:y'])
    it(`is not looked for at ${image}`, () => assert.equal(parseReference(image).kind, 'invalid'));
});
