import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { stringify } from 'yaml';

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

/** A kubeconfig with one context, as programs and kubectl read it. */
export function kubeconfigText(options: {
  name: string;
  url: string;
  caPem: string;
  user: string;
  token: string;
}): string {
  const { name, url, caPem, user, token } = options;
  const authority = Buffer.from(caPem).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  });
}
