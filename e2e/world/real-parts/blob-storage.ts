import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { makeServerIdentity } from '../api-server/certificates.ts';

/**
 * Plays the cloud storage behind a registry: serves, behind TLS of another authority, the files that the registry keeps.
 * Remembers whether a request came with a login, which it must not.
 */
export async function startBlobStorage(folder: () => string): Promise<{
  url: string;
  caPem: string;
  requests: readonly { authorized: boolean }[];
  stop(): Promise<void>;
}> {
  const { certificatePem, keyPem, caPem } = await makeServerIdentity('storage');
  const requests: { authorized: boolean }[] = [];
  const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
    requests.push({ authorized: request.headers.authorization !== undefined });
    const { pathname } = new URL(request.url ?? '/', 'https://localhost');
    readFile(join(folder(), normalize(pathname))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/`,
    caPem,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
