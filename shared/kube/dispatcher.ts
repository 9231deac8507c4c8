import type { Dispatcher } from 'undici';
import { Agent, ProxyAgent } from '../core/http-agents.ts';
import type { ClusterAccess } from './kubeconfig.ts';

/** The connections to a server: TLS as the kubeconfig says, through its proxy if there is one. */
export function dispatcher(
  access: ClusterAccess,
  limits: { connections: number; maxResponseSize: number; connectTimeoutMs: number },
): Dispatcher {
  const { connections, maxResponseSize, connectTimeoutMs } = limits;
  const tls = {
    ...(access.ca !== undefined && { ca: access.ca }),
    ...access.clientCertificate,
    ...(access.tlsServerName !== undefined && { servername: access.tlsServerName }),
    rejectUnauthorized: !access.insecureSkipTlsVerify,
  };
  const connect = { ...tls, timeout: connectTimeoutMs };
  if (access.proxyUrl === undefined) return new Agent({ connections, maxResponseSize, connect });
  return new ProxyAgent({ uri: access.proxyUrl, connections, maxResponseSize, requestTls: connect });
}
