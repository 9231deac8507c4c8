import { Agent } from 'undici';
import type { ApiServer } from './server.ts';

export interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RawEvent {
  type: string;
  object: Record<string, unknown>;
}

/** What plain HTTP has to know of a server: who asks is shown by a token or by a certificate. */
export type RawServer = Pick<ApiServer, 'url' | 'caPem'> &
  (Pick<ApiServer, 'token'> | { certificate: { cert: string; key: string } });

export interface RawClient {
  call(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<RawAnswer>;
  /** The events that a watch has sent until it ends. */
  watch(path: string, headers?: Record<string, string>): Promise<RawEvent[]>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Plain HTTP to a server, for tests of what goes over the wire; `user` null sends no token. */
export function rawClient(server: RawServer, user: string | null = 'system:admin'): RawClient {
  const certificate = 'certificate' in server ? server.certificate : {};
  const agent = new Agent({ connect: { ca: server.caPem, ...certificate } });
  const token = user !== null && 'token' in server ? server.token(user) : undefined;
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  function send(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return agent.request({
      origin: server.url,
      path,
      method,
      headers: { ...authorization, 'content-type': contentType, ...headers },
      ...(body !== undefined && {
        body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    });
  }
  return {
    async call(method, path, body, headers) {
      const answer = await send(method, path, body, headers);
      return { code: answer.statusCode, body: JSON.parse(await answer.body.text()), headers: answer.headers };
    },
    async watch(path, headers) {
      const answer = await send('GET', path, undefined, headers);
      const lines = (await answer.body.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line));
    },
    close: () => agent.close(),
  };
}
