import { Agent, fetch } from 'undici';
import type { ApiServer } from './server.ts';

export interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  headers: { get(name: string): string | null };
}

export interface RawClient {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RawAnswer>;
  /** The events that a watch has sent until it ends. */
  watch(path: string): Promise<{ type: string; object: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

/** Plain HTTP to a server, for tests of what goes over the wire; `user` null sends no token. */
export function rawClient(server: ApiServer, user: string | null = 'system:admin'): RawClient {
  const dispatcher = new Agent({ connect: { ca: server.caPem } });
  const authorization: Record<string, string> = user === null ? {} : { authorization: `Bearer ${server.token(user)}` };
  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    return fetch(server.url + path, {
      method,
      dispatcher,
      headers: { ...authorization, 'content-type': contentTypes[method] ?? 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }
  return {
    async call(method, path, body, headers) {
      const response = await send(method, path, body, headers);
      const text = await response.text();
      return { code: response.status, body: JSON.parse(text), headers: response.headers };
    },
    async watch(path) {
      const response = await send('GET', path);
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line));
    },
    close: () => dispatcher.close(),
  };
}

const contentTypes: Record<string, string> = { PATCH: 'application/merge-patch+json' };
