import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, sleep } from '../../../shared/core/clock.ts';
import { makeServerIdentity } from '../api-server/certificates.ts';
import { Access, type AccessOptions } from './access.ts';
import { type RegistryReply, route, type UploadRules } from './routes.ts';
import { RegistryStore } from './store.ts';

export interface RegistryRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Of the request's body. */
  bytes: number;
  status: number;
  /** As whom it was allowed, if anybody. */
  user: string | undefined;
  /** Whether it came with any credential. */
  authorized: boolean;
}

/** What a test makes the registry do instead of, or to, its true answer. */
export type RegistryFault = { reply: RegistryReply } | { delayMs: number } | { omitDigest: true } | { hangUp: true };

export interface RegistryOptions extends AccessOptions, UploadRules {
  clock: Clock;
  /** Plain HTTP instead of TLS. */
  plain?: boolean;
}

export interface Registry {
  /** `localhost:<port>`, as in image names. */
  host: string;
  url: string;
  caPem: string;
  store: RegistryStore;
  /** The latest requests, in order of their answers. */
  requests: readonly RegistryRequest[];
  /** Asked for each request before it is answered; tests set it. */
  fault: (request: { method: string; path: string }) => RegistryFault | undefined;
  stop(): Promise<void>;
}

const requestsKeptMax = 10_000;
const bodyBytesMax = 256 * 1024 * 1024;

/** Starts an OCI registry on loopback, with a certificate authority of its own, that keeps everything in memory. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { certificatePem, keyPem, caPem } = await makeServerIdentity('registry');
  const requests: RegistryRequest[] = [];
  const stopping = new AbortController();
  const access = new Access(options);
  const answer = (message: IncomingMessage, response: ServerResponse): void => {
    // A client that goes away while it sends or reads ends its own request only.
    serve({ registry, access, requests, options, signal: stopping.signal }, message, response).catch(() =>
      response.destroy(),
    );
  };
  const server = options.plain
    ? createPlainServer(answer)
    : createServer({ cert: certificatePem, key: keyPem }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const registry: Registry = {
    host,
    url: `${options.plain ? 'http' : 'https'}://${host}`,
    caPem,
    store: new RegistryStore(),
    requests,
    fault: () => undefined,
    stop: () =>
      new Promise((resolve) => {
        stopping.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
}

interface Serving {
  registry: Registry;
  access: Access;
  requests: RegistryRequest[];
  options: RegistryOptions;
  signal: AbortSignal;
}

async function serve(serving: Serving, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { registry, access, requests, options, signal } = serving;
  const method = message.method ?? 'GET';
  const { pathname: path, searchParams: query } = new URL(message.url ?? '/', registry.url);
  const { authorization } = message.headers;
  const body = await bodyOf(message);
  const fault = registry.fault({ method, path });
  if (fault !== undefined && 'hangUp' in fault) throw new Error('the test wants the connection to break');
  if (fault !== undefined && 'delayMs' in fault) await sleep(options.clock, fault.delayMs, signal);
  const contentType = message.headers['content-type'] ?? '';
  const range = message.headers['content-range'];
  const trueReply = () =>
    path === '/token'
      ? access.token(authorization, query.getAll('scope'))
      : (access.refusal({ method, path, authorization }, registry.url) ??
        route(registry.store, { method, path, query, contentType, body, range, rules: options }));
  const reply = fault !== undefined && 'reply' in fault ? fault.reply : trueReply();
  const user = access.userOf(authorization);
  const { status } = reply;
  requests.push({
    method,
    path,
    query,
    bytes: body.length,
    status,
    user,
    authorized: authorization !== undefined,
  });
  if (requests.length > requestsKeptMax) requests.shift();
  const headers: Record<string, string> = { ...reply.headers };
  if (fault !== undefined && 'omitDigest' in fault) delete headers['docker-content-digest'];
  const content = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status, { ...headers, 'content-length': String(content.length) });
  response.end(method === 'HEAD' ? undefined : content);
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error(`expected at most ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
