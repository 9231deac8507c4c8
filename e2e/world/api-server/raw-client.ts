import { Agent } from 'undici';
import { loadKubeconfig } from '../../../shared/kube/kubeconfig.ts';

export interface RawAnswer {
  code: number;
  body: Record<string, unknown>;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RawEvent {
  type: string;
  object: Record<string, unknown>;
}

export interface RawClient {
  call(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<RawAnswer>;
  /** The events that a watch has sent until it ends. */
  watch(path: string, headers?: Record<string, string>): Promise<RawEvent[]>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Plain HTTP to the server of a kubeconfig's text, for tests of what goes over the wire. */
export function rawClient(
  kubeconfig: string,
  { anonymous = false, connections }: { anonymous?: boolean; connections?: number } = {},
): RawClient {
  const { server, ca, clientCertificate, credentials } = loadKubeconfig({ text: kubeconfig });
  const connect = { ...(ca !== undefined && { ca }), ...(!anonymous && clientCertificate) };
  const agent = new Agent({ connect, ...(connections !== undefined && { connections }) });
  const token = !anonymous && credentials.kind === 'token' ? credentials.token : undefined;
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  function send(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    return agent.request({
      origin: server,
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
