import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { stringify } from 'yaml';
import type { Certificate } from './certificates.ts';

/** Bearer tokens by user name: the name with a keyed hash, so that none has to be kept. */
export class Credentials {
  readonly #key = randomBytes(32);

  tokenFor(user: string): string {
    return `${Buffer.from(user).toString('base64url')}.${this.#signature(user).toString('base64url')}`;
  }

  /** The user of an `Authorization` header, or undefined when it names none that this server knows. */
  userOf(header: string | undefined): string | undefined {
    const [, name = '', signature = ''] = /^Bearer ([\w-]+)\.([\w-]+)$/.exec(header ?? '') ?? [];
    const user = Buffer.from(name, 'base64url').toString();
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#signature(user);
    return given.length === expected.length && timingSafeEqual(given, expected) ? user : undefined;
  }

  #signature(user: string): Buffer {
    return createHmac('sha256', this.#key).update(user).digest();
  }
}

/** A kubeconfig with one context, as programs and kubectl read it; the user has a token or a client certificate. */
export function kubeconfigText(options: {
  name: string;
  url: string;
  caPem: string;
  user: string;
  credentials: { token: string } | Certificate;
}): string {
  const { name, url, caPem, user, credentials } = options;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: user, user: 'token' in credentials ? credentials : clientCertificate(credentials) }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  });
}

function clientCertificate({ certificatePem, keyPem }: Certificate) {
  return { 'client-certificate-data': base64(certificatePem), 'client-key-data': base64(keyPem) };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
