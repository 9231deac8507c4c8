import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { BindAddress } from './bind-address.ts';
import type { CertificatePair } from './certificate-folder.ts';

// An `import` reads every export of the module, and `node:http` has some that load Node's own fetch: 5 MB, for nothing.
const { createServer } = process.getBuiltinModule('node:http');

export interface Page {
  status?: number;
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
  body: string;
}

/** Answers for GET and HEAD by path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

export interface HttpServer {
  /** `http(s)://host:port` as really listened on: the port may have been 0. */
  readonly url: string;
  /** From the next connection on. Throws when certificate and key do not fit, and nothing has changed then. */
  renew(tls: CertificatePair): void;
  close(): Promise<void>;
}

export interface HttpOptions {
  pages: Pages;
  /** HTTPS with this. */
  tls?: CertificatePair;
  /** Given the `Authorization` header of every request: what is answered instead of a page, or undefined. */
  admit?: (authorization: string | undefined) => Promise<Page | undefined>;
}

const headMsMax = 3_000;
const connectionsMax = 100;

/** Serves pages. Rejects when the address is taken. */
export async function serveHttp(at: BindAddress, options: HttpOptions): Promise<HttpServer> {
  const { tls } = options;
  // Node looks for connections that say nothing only so often; by default every 30 s, in which they keep kubelet's probes out.
  const limits = { headersTimeout: headMsMax, requestTimeout: headMsMax, connectionsCheckingInterval: 1_000 };
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(options, request, response);
  const server = tls === undefined ? createServer(limits, listener) : secureServer({ ...limits, ...tls }, listener);
  server.maxConnections = connectionsMax;
  const sockets = openSockets(server);
  await listening(server, at);
  const { address, port, family } = server.address() as AddressInfo;
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    renew: (pair) => (server as TlsServer).setSecureContext(pair),
    close: () => closed(server, sockets),
  };
}

function secureServer(
  options: CertificatePair & { headersTimeout: number; requestTimeout: number },
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): TlsServer {
  const https = process.getBuiltinModule('node:https');
  return https.createServer({ ...options, minVersion: 'TLSv1.2', handshakeTimeout: headMsMax }, listener);
}

/** The server itself knows no connection whose TLS handshake is not over, and would wait for it at the end. */
function openSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Is the process alive, may it be sent work, and if not: why. `notReady` gives the reasons. */
export function healthPages(notReady: () => readonly string[]): Pages {
  return {
    '/healthz': () => ({ body: 'ok' }),
    '/readyz': () => {
      const reasons = notReady();
      return reasons.length === 0 ? { body: 'ok' } : { status: 503, body: reasons.join('\n') };
    },
  };
}

async function answer(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = await pageFor(options, request);
  const type = { 'content-type': page.contentType ?? 'text/plain; charset=utf-8' };
  response.writeHead(page.status ?? 200, { ...type, ...page.headers });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

async function pageFor({ pages, admit }: HttpOptions, request: IncomingMessage): Promise<Page> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  try {
    const refusal = await admit?.(request.headers.authorization);
    if (refusal !== undefined) return refusal;
    if (!Object.hasOwn(pages, path))
      return { status: 404, body: `not found; there are: ${Object.keys(pages).join(' ')}` };
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'GET only' };
    return await pages[path]!();
  } catch (error) {
    return { status: 500, body: error instanceof Error ? error.message : String(error) };
  }
}

function listening(server: Server, at: BindAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: at.port, ...(at.host !== undefined && { host: at.host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
