import { randomUUID } from 'node:crypto';
import type { RegistryReply } from './routes.ts';
import { failure } from './routes.ts';

export interface AccessOptions {
  /** Names and passwords; undefined: everybody may do everything. */
  users?: Record<string, string> | undefined;
  /** `bearer`: passwords are taken at the token realm only, and tokens everywhere else. */
  scheme?: 'basic' | 'bearer';
  /** Whoever comes without a name may read. */
  anonymousPull?: boolean;
  /** Where the realm is said to be; the registry's own `/token` if not given. */
  realm?: string;
}

export interface AccessCall {
  method: string;
  path: string;
  authorization: string | undefined;
}

/** Who may call: names and passwords, or tokens that the realm gave for them. */
export class Access {
  readonly #options: AccessOptions;
  readonly #tokens = new Map<string, { user: string | undefined; scopes: readonly string[] }>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** The realm's answer: a token for who proves a name, or for nobody; none for a wrong password. */
  token(authorization: string | undefined, scopes: readonly string[]): RegistryReply {
    const user = this.#basicUser(authorization);
    if (authorization !== undefined && user === undefined) return failure(401, 'UNAUTHORIZED');
    const token = randomUUID();
    this.#tokens.set(token, { user, scopes });
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) };
  }

  userOf(authorization: string | undefined): string | undefined {
    if (this.#options.scheme !== 'bearer') return this.#basicUser(authorization);
    return this.#tokenOf(authorization)?.user;
  }

  /** Undefined when the call may go on; else the refusal, with what to come with. */
  refusal(call: AccessCall, ownUrl: string): RegistryReply | undefined {
    const { users, scheme = 'basic', anonymousPull = false, realm = `${ownUrl}/token` } = this.#options;
    if (users === undefined) return undefined;
    const isRead = call.method === 'GET' || call.method === 'HEAD';
    const token = this.#tokenOf(call.authorization);
    const isInScope = isRead || scheme === 'basic' || allowsWrite(token?.scopes ?? [], call.path);
    if (this.userOf(call.authorization) !== undefined && isInScope) return undefined;
    // With tokens even nobody needs one, as on Docker Hub.
    if (anonymousPull && isRead && (scheme === 'basic' || token !== undefined)) return undefined;
    const challenge = scheme === 'basic' ? 'Basic realm="registry"' : `Bearer realm="${realm}",service="registry"`;
    const reply = failure(401, 'UNAUTHORIZED');
    return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } };
  }

  #tokenOf(authorization: string | undefined) {
    return authorization?.startsWith('Bearer ') ? this.#tokens.get(authorization.slice('Bearer '.length)) : undefined;
  }

  #basicUser(authorization: string | undefined): string | undefined {
    if (!authorization?.startsWith('Basic ')) return undefined;
    const [user = '', password] = Buffer.from(authorization.slice(6), 'base64').toString('utf8').split(/:(.*)/s);
    const expected = this.#options.users?.[user];
    return expected !== undefined && expected === password ? user : undefined;
  }
}

/** A token is for what it was asked for, whatever its owner may do. */
function allowsWrite(scopes: readonly string[], path: string): boolean {
  return scopes.some((scope) => {
    const [, repository = '', actions = ''] = /^repository:(.+):([a-z,]+)$/.exec(scope) ?? [];
    return path.startsWith(`/v2/${repository}/`) && actions.split(',').includes('push');
  });
}
