import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { errorMessage } from '../core/errors.ts';
import { Agent, ProxyAgent } from '../core/http-agents.ts';
import { type ClusterAccess, KubeconfigError } from './kubeconfig.ts';

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

/**
 * Throws `KubeconfigError` for certificates that are none. Node takes an authority that it cannot read for no authority:
 * all that is seen then is that the server's certificate is not trusted.
 */
export function checkCertificates({ ca, clientCertificate }: ClusterAccess): void {
  try {
    if (ca !== undefined) new X509Certificate(ca);
  } catch (error) {
    throw new KubeconfigError(`kubeconfig: the certificate authority is no PEM certificate: ${errorMessage(error)}`);
  }
  try {
    if (clientCertificate !== undefined) createSecureContext(clientCertificate);
  } catch (error) {
    throw new KubeconfigError(`kubeconfig: client certificate and key cannot be used: ${errorMessage(error)}`);
  }
}
