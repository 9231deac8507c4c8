import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../shared/core/clock.ts';
import type { Certificate } from '../api-server/certificates.ts';

export const tokenIssuer = 'real-parts';
export const tokenService = 'registry';
const lifetimeSeconds = 300;

export interface TokenGrant {
  repository: string;
  actions: readonly string[];
}

export interface TokenServer {
  /** The realm that the registry names in its challenge. */
  realm: string;
  /** A token as the realm would give it. */
  token(user: string, grants: readonly TokenGrant[]): string;
  /** The URL's query of each request with the login that it came with. */
  requests: readonly { query: string; user: string | undefined }[];
  stop(): Promise<void>;
}

/**
 * The server that a docker-registry with token authentication sends its callers to (distribution's "token authentication
 * specification"): a signed JWT that says who may do what. Whoever proves a name gets all that is asked for, others nothing.
 */
export async function startTokenServer(options: {
  users: Readonly<Record<string, string>>;
  certificate: Certificate;
}): Promise<TokenServer> {
  const { users, certificate } = options;
  const requests: { query: string; user: string | undefined }[] = [];
  const token = (user: string, grants: readonly TokenGrant[]) => signedToken(certificate, user, grants);
  const server = createServer({ cert: certificate.certificatePem, key: certificate.keyPem }, (request, response) => {
    const { searchParams, search } = new URL(request.url ?? '/', 'https://localhost');
    const login = loginOf(request.headers.authorization);
    const user = login !== undefined && users[login.user] === login.password ? login.user : undefined;
    requests.push({ query: search, user });
    if (login !== undefined && user === undefined) return void response.writeHead(401).end();
    const grants = user === undefined ? [] : searchParams.getAll('scope').flatMap(grantOf);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token: token(user ?? '', grants) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    realm: `https://localhost:${(server.address() as AddressInfo).port}/token`,
    token,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function loginOf(authorization: string | undefined): { user: string; password: string } | undefined {
  if (!authorization?.startsWith('Basic ')) return undefined;
  const [user = '', password = ''] = Buffer.from(authorization.slice(6), 'base64').toString('utf8').split(/:(.*)/s);
  return { user, password };
}

/** `repository:team/app:pull,push`. */
function grantOf(scope: string): TokenGrant[] {
  const [, repository, actions] = /^repository:(.+):([^:]+)$/.exec(scope) ?? [];
  return repository === undefined || actions === undefined ? [] : [{ repository, actions: actions.split(',') }];
}

function signedToken(certificate: Certificate, user: string, grants: readonly TokenGrant[]): string {
  const now = Math.floor(systemClock.now() / 1000);
  const x5c = [new X509Certificate(certificate.certificatePem).raw.toString('base64')];
  const claims = {
    iss: tokenIssuer,
    aud: tokenService,
    sub: user,
    iat: now,
    // The registry's clock is ours, but it compares whole seconds.
    nbf: now - 10,
    exp: now + lifetimeSeconds,
    jti: randomUUID(),
    access: grants.map(({ repository, actions }) => ({ type: 'repository', name: repository, actions })),
  };
  const signed = `${part({ alg: 'ES256', typ: 'JWT', x5c })}.${part(claims)}`;
  const key = createPrivateKey(certificate.keyPem);
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
