import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BindAddress } from './bind-address.ts';

// An `import` reads every export of the module, and `node:http` has some that load Node's own fetch: 5 MB, for nothing.
const { createServer } = process.getBuiltinModule('node:http');

export interface Page {
  status?: number;
  contentType?: string;
  body: string;
}

/** Answers for GET and HEAD by path. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

export interface HttpServer {
  /** `http://host:port` as really listened on: the port may have been 0. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `pages` as plain HTTP. Rejects when the address is taken. */
export async function serveHttp(at: BindAddress, pages: Pages): Promise<HttpServer> {
  const server = createServer((request, response) => void answer(pages, request, response));
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  await listening(server, at);
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () => closed(server),
  };
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

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = await pageFor(pages, request);
  response.writeHead(page.status ?? 200, { 'content-type': page.contentType ?? 'text/plain; charset=utf-8' });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

async function pageFor(pages: Pages, request: IncomingMessage): Promise<Page> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  if (!Object.hasOwn(pages, path))
    return { status: 404, body: `not found; there are: ${Object.keys(pages).join(' ')}` };
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'GET only' };
  try {
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

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
