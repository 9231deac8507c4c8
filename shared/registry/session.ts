import { parseChallenges } from './challenge.ts';
import type { Login } from './docker-config.ts';
import { RegistryFailure } from './failure.ts';
import type { HttpTransport } from './http.ts';
import {
  described,
  type HttpAnswer,
  type HttpContent,
  type HttpHead,
  type HttpRequest,
  type HttpStream,
} from './http-message.ts';
import { apiHost, type Reference } from './reference.ts';

export interface RegistryTls {
  /** Plain HTTP may be used where TLS is not answered. */
  readonly insecure: boolean;
  readonly insecureSkipTLSVerify: boolean;
}

/** A login, and whether its owner agreed that it travels unverified or in plain text. */
export interface Credential extends Login {
  readonly insecureAllowed: boolean;
}

export interface SessionRequest {
  method: HttpRequest['method'];
  /** Below `/v2/<repository>/`, or where the registry said to go on (an upload's location). */
  path: string | URL;
  accept?: string;
  headers?: Readonly<Record<string, string>>;
  content?: HttpContent;
  bodyBytesMax: number;
}

/** What a token has to allow: reading is the default, for `push` also writing; blobs are mounted from what may be read. */
export interface SessionScope {
  readonly push?: boolean;
  readonly mountFrom?: readonly string[];
}

const tokenBytesMax = 64 * 1024;

type Exchange<T> = (message: HttpRequest) => Promise<T>;

/**
 * Requests about one repository with at most one credential (contract 8). The credential is sent when the registry asks
 * for it: to the registry's own host, or to the token realm that this host named, both over verified TLS; under
 * `insecure*` only if the credential allows it. An anonymous token is fetched where there is no credential to send.
 */
export class RepositorySession {
  readonly #transport: HttpTransport;
  readonly #reference: Reference;
  readonly #tls: RegistryTls;
  readonly #credential: Credential | undefined;
  readonly #scope: SessionScope;
  readonly #signal: AbortSignal | undefined;
  #scheme: 'https' | 'http' | undefined;
  #authorization: string | undefined;

  constructor(
    transport: HttpTransport,
    access: {
      reference: Reference;
      tls: RegistryTls;
      credential?: Credential | undefined;
      scope?: SessionScope;
      signal?: AbortSignal | undefined;
    },
  ) {
    this.#transport = transport;
    this.#reference = access.reference;
    this.#tls = access.tls;
    this.#credential = access.credential;
    this.#scope = access.scope ?? {};
    this.#signal = access.signal;
  }

  /** Whether there is a credential that was kept back because the connection is not trusted. */
  get withheld(): boolean {
    return this.#credential !== undefined && this.#sendable === undefined;
  }

  request(request: SessionRequest): Promise<HttpAnswer> {
    return this.#loggedIn(request, (message) => this.#transport.send(message));
  }

  /** As `request`, but the body is read by the caller. */
  stream(request: SessionRequest): Promise<HttpStream> {
    return this.#loggedIn(request, (message) => this.#transport.stream(message));
  }

  async #loggedIn<T extends HttpHead & { discard?(): void }>(
    request: SessionRequest,
    exchange: Exchange<T>,
  ): Promise<T> {
    const answer = await this.#send(request, exchange);
    if (answer.status !== 401 || !this.#isOwn(answer.url)) return answer;
    answer.discard?.();
    const authorization = await this.#answerTo(answer);
    if (authorization === undefined) return answer;
    this.#authorization = authorization;
    return this.#send(request, exchange);
  }

  async #send<T extends HttpHead>(request: SessionRequest, exchange: Exchange<T>): Promise<T> {
    if (this.#scheme !== undefined || !this.#tls.insecure)
      return exchange(this.#message(this.#scheme ?? 'https', request));
    try {
      const answer = await exchange(this.#message('https', request));
      this.#scheme = 'https';
      return answer;
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      const answer = await exchange(this.#message('http', request));
      this.#scheme = 'http';
      return answer;
    }
  }

  #message(scheme: 'https' | 'http', request: SessionRequest): HttpRequest {
    const { method, path, accept, headers, content, bodyBytesMax } = request;
    const base = new URL(`${scheme}://${apiHost(this.#reference)}/v2/${this.#reference.repository}/`);
    const url = new URL(path, base);
    if (url.protocol === 'http:' && this.#trust === 'verified') {
      throw new RegistryFailure('UnexpectedAnswer', `${described({ method, url })}: expected to go on at https://`);
    }
    return {
      method,
      url,
      headers: { ...headers, ...(accept !== undefined && { accept }) },
      content,
      // An upload may go on elsewhere, as a redirect may: without our login.
      authorization: url.origin === base.origin ? this.#authorization : undefined,
      trust: this.#trust,
      bodyBytesMax,
      signal: this.#signal,
    };
  }

  get #trust(): 'verified' | 'any' {
    return this.#tls.insecure || this.#tls.insecureSkipTLSVerify ? 'any' : 'verified';
  }

  get #sendable(): Credential | undefined {
    return this.#trust === 'verified' || this.#credential?.insecureAllowed ? this.#credential : undefined;
  }

  /** A redirect's target may ask for a password too, and must not get ours. */
  #isOwn(url: URL): boolean {
    return url.host === new URL(`${url.protocol}//${apiHost(this.#reference)}`).host;
  }

  async #answerTo(refusal: HttpHead): Promise<string | undefined> {
    const challenges = parseChallenges(refusal.header('www-authenticate'));
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) return `Bearer ${await this.#token(bearer.parameters)}`;
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    return basic && this.#sendable !== undefined ? basicAuthorization(this.#sendable) : undefined;
  }

  async #token(parameters: ReadonlyMap<string, string>): Promise<string> {
    const url = this.#realm(parameters.get('realm') ?? '');
    const service = parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    const { push = false, mountFrom = [] } = this.#scope;
    url.searchParams.set('scope', `repository:${this.#reference.repository}:${push ? 'pull,push' : 'pull'}`);
    for (const source of mountFrom) url.searchParams.append('scope', `repository:${source}:pull`);
    const authorization = this.#sendable === undefined ? undefined : basicAuthorization(this.#sendable);
    const rest = { trust: this.#trust, bodyBytesMax: tokenBytesMax, signal: this.#signal };
    const request = { method: 'GET', url, authorization, ...rest } as const;
    const answer = await this.#transport.send(request);
    const token = answer.status === 200 ? tokenOf(answer.body) : undefined;
    if (token !== undefined) return token;
    if (answer.status === 200)
      throw new RegistryFailure('UnexpectedAnswer', `${described(request)}: no token in the answer`);
    throw refusalOf(answer, described(request));
  }

  #realm(text: string): URL {
    const url = URL.parse(text);
    const schemes = this.#trust === 'any' ? ['https:', 'http:'] : ['https:'];
    if (url === null || !schemes.includes(url.protocol)) {
      throw new RegistryFailure('AccessDenied', `${this.#reference.registry}: expected a token realm at https://`);
    }
    url.username = '';
    url.password = '';
    return url;
  }
}

/** What an answer that is no success says: refused, too busy, broken, or out of place. */
export function refusalOf(answer: HttpHead, what: string): RegistryFailure {
  const message = `${what}: ${answer.status}`;
  if (answer.status === 401 || answer.status === 403) return new RegistryFailure('AccessDenied', message);
  if (answer.status === 429) return new RegistryFailure('TooManyRequests', message, answer.retryAfterMs);
  if (answer.status >= 500) return new RegistryFailure('RegistryUnavailable', message, answer.retryAfterMs);
  return new RegistryFailure('UnexpectedAnswer', message);
}

function basicAuthorization({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function tokenOf(body: Buffer): string | undefined {
  const content = parseJsonBody(body) as { token?: unknown; access_token?: unknown } | null | undefined;
  const token = content?.token ?? content?.access_token;
  // A line break would end the header that it is sent in.
  return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

/** Undefined for what is no JSON: registries and proxies before them also answer HTML. */
export function parseJsonBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
