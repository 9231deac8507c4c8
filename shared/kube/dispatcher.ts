import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { errorMessage } from '../core/errors.ts';
import { Agent, ProxyAgent } from '../core/http-agents.ts';
import { type ClusterAccess, KubeconfigError } from './kubeconfig.ts';

/**
 * How long a connection without a request stays. undici's 4 s would end most of them between two bursts, and TLS anew costs both
 * sides more than a request. kubeadm's example of a load balancer ends silent ones after 20 s, the API server after 90: a write that
 * is on its way just then has failed.
 */
const keepAliveTimeout = 15_000;

/** The connections to a server: TLS as the kubeconfig says, through its proxy if there is one. */
export function dispatcher(
  access: ClusterAccess,
  secureContext: SecureContext,
  limits: { connections: number; maxResponseSize: number; connectTimeoutMs: number },
): Dispatcher {
  const { connections, maxResponseSize, connectTimeoutMs } = limits;
  const connect = {
    secureContext,
    ...(access.tlsServerName !== undefined && { servername: access.tlsServerName }),
    rejectUnauthorized: !access.insecureSkipTlsVerify,
    timeout: connectTimeoutMs,
  };
  const pool = { connections, maxResponseSize, keepAliveTimeout };
  if (access.proxyUrl === undefined) return new Agent({ ...pool, connect });
  return new ProxyAgent({ ...pool, uri: access.proxyUrl, requestTls: connect });
}

/**
 * The certificates of a kubeconfig, read once: each connection would read them all again. Throws `KubeconfigError` for those
 * that are none. Node takes an authority that it cannot read for no authority: all that is seen then is that the server's
 * certificate is not trusted.
 */
export function secureContextOf({ ca, clientCertificate }: ClusterAccess): SecureContext {
  try {
    if (ca !== undefined) new X509Certificate(ca);
  } catch (error) {
    throw new KubeconfigError(`kubeconfig: the certificate authority is no PEM certificate: ${errorMessage(error)}`);
  }
  try {
    return createSecureContext({ ...(ca !== undefined && { ca }), ...clientCertificate });
  } catch (error) {
    throw new KubeconfigError(`kubeconfig: client certificate and key cannot be used: ${errorMessage(error)}`);
  }
}
