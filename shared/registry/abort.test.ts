import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { readBlob } from './blob.ts';
import { RegistryClient } from './client.ts';

const tls = { insecure: true, insecureSkipTLSVerify: false };
const digest = `sha256:${'0'.repeat(64)}`;

describe('a question to a registry that is given up', () => {
  const server = createServer();
  const client = new RegistryClient({ clock: systemClock });
  before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  after(async () => {
    await client.close();
    server.close();
    server.closeAllConnections();
  });

  it('ends the body that is being read, and its connection', async () => {
    const closed = Promise.withResolvers<void>();
    server.on('request', (_, response) => {
      response.on('close', () => closed.resolve());
      // The rest never comes.
      response.writeHead(200).write('first');
    });
    const { port } = server.address() as AddressInfo;
    const abort = new AbortController();
    const reference = { registry: `localhost:${port}`, repository: 'a', digest };
    const reading = client.within({ reference, tls, signal: abort.signal }, {}, async (session) => {
      for await (const chunk of readBlob(session, { digest, size: 100 })) {
        assert.equal(chunk.toString(), 'first');
        abort.abort();
      }
    });
    await assert.rejects(reading, /blobs\/sha256:0+: given up/);
    await closed.promise;
    const again = client.within({ reference, tls, signal: abort.signal }, {}, (session) =>
      session.request({ method: 'GET', path: 'tags/list', bodyBytesMax: 100 }),
    );
    await assert.rejects(again, /given up/);
  });
});
