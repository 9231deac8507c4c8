import { getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { Clock } from '../core/clock.ts';
import { shortened } from '../core/conditions.ts';
import { errorMessage } from '../core/errors.ts';
import { Agent } from '../core/http-agents.ts';
import { oneLine } from '../core/one-line.ts';
import { RegistryFailure } from './failure.ts';

export interface HttpRequest {
  method: 'HEAD' | 'GET';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` only, however the server redirects. */
  authorization?: string | undefined;
  /** `any`: certificates are not verified, and a redirect may lead to plain HTTP. */
  trust: 'verified' | 'any';
  bodyBytesMax: number;
}

export interface HttpAnswer {
  status: number;
  /** Where the answer came from, after redirects. */
  url: URL;
  header(name: string): string | undefined;
  body: Buffer;
  /** From `Retry-After`, at most an hour. */
  retryAfterMs: number | undefined;
}

/** Told of every request, after its redirects: the status that means something to us, else its class, or why there was none. */
export type RequestListener = (method: HttpRequest['method'], outcome: string) => void;

const redirectsMax = 5;
/** Sockets to one origin: a check is one or two small requests. */
const connectionsMax = 8;
const retryAfterMsMax = 3_600_000;
/** Of what went wrong with a connection; it ends up in a status. */
const failureCharsMax = 300;

/**
 * HTTP as far as registries need it, on undici: redirects that lose the credentials when they leave the origin and never
 * leave TLS, a bound on every body, a time limit on every request. Throws `RegistryFailure` when there is no answer.
 */
export class HttpTransport {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onRequest: RequestListener;
  readonly #agents: Record<HttpRequest['trust'], Dispatcher>;

  /** `extraCa`: PEM certificates that are trusted beside the system's. */
  constructor(options: {
    clock: Clock;
    timeoutMs: number;
    extraCa?: string | undefined;
    onRequest?: RequestListener | undefined;
  }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#onRequest = options.onRequest ?? (() => undefined);
    const ca = options.extraCa === undefined ? undefined : [...getCACertificates('default'), options.extraCa];
    // Our own clock limits the whole request; undici's limits on its parts would run in real time.
    const parts = { connections: connectionsMax, headersTimeout: 0, bodyTimeout: 0 };
    this.#agents = {
      verified: new Agent({ ...parts, connect: ca === undefined ? {} : { ca } }),
      any: new Agent({ ...parts, connect: { rejectUnauthorized: false } }),
    };
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    const abort = new AbortController();
    const cancel = this.#clock.after(this.#timeoutMs, () => abort.abort());
    try {
      const answer = await this.#follow(request, abort.signal);
      this.#onRequest(request.method, outcomeOf(answer.status));
      return answer;
    } catch (error) {
      const failure =
        error instanceof RegistryFailure
          ? error
          : failureOf(error, request, abort.signal.aborted ? this.#timeoutMs : undefined);
      this.#onRequest(request.method, failure.reason);
      throw failure;
    } finally {
      cancel();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#agents.verified.destroy(), this.#agents.any.destroy()]);
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let { url } = request;
    for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
      const authorization = url.origin === request.url.origin ? request.authorization : undefined;
      const answer = await this.#exchange({ ...request, url, authorization }, signal);
      const location = [301, 302, 303, 307, 308].includes(answer.status) ? answer.header('location') : undefined;
      if (location === undefined) return answer;
      url = redirected(url, location, request);
    }
    throw new RegistryFailure('UnexpectedAnswer', `${described(request)}: more than ${redirectsMax} redirects`);
  }

  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, method, authorization } = request;
    const answer = await this.#agents[request.trust].request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { 'user-agent': 'kmm-hub', ...request.headers, ...(authorization && { authorization }) },
      signal,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > request.bodyBytesMax) {
        throw new RegistryFailure(
          'UnexpectedAnswer',
          `${described(request)}: expected at most ${request.bodyBytesMax} bytes, got more`,
        );
      }
      chunks.push(chunk);
    }
    const header = (name: string) => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const retryAfterMs = retryAfter(header('retry-after'), this.#clock.now());
    return { status: answer.statusCode, url, header, body: Buffer.concat(chunks), retryAfterMs };
  }
}

/** Method and address for messages: without a query, which may hold a signature that grants access. */
export function described({ method, url }: Pick<HttpRequest, 'method' | 'url'>): string {
  return `${method} ${url.origin}${url.pathname}`;
}

/** A registry may answer any number: what is counted by it must be few words. */
function outcomeOf(status: number): string {
  return [401, 403, 404, 429].includes(status) ? String(status) : `${Math.floor(status / 100)}xx`;
}

function redirected(from: URL, location: string, request: HttpRequest): URL {
  const url = URL.parse(location, from);
  const schemes = request.trust === 'any' ? ['https:', 'http:'] : ['https:'];
  if (url !== null && schemes.includes(url.protocol)) return url;
  throw new RegistryFailure('UnexpectedAnswer', `${described(request)}: redirect to what is not ${schemes[0]}//`);
}

/** Seconds or a date (RFC 9110, 10.2.3). */
export function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const delayMs = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), retryAfterMsMax);
}

function failureOf(error: unknown, request: HttpRequest, timeoutMs: number | undefined): RegistryFailure {
  const what = described(request);
  if (timeoutMs !== undefined) {
    return new RegistryFailure('RegistryUnavailable', `${what}: no answer within ${timeoutMs / 1000} s`);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // A refused connection to a name of several addresses is an AggregateError without a message of its own.
  const text = [code, errorMessage(error)].filter((part) => part !== '').join(': ');
  // A certificate's names are in it, and they are of the server's making.
  const said = shortened(oneLine(text), failureCharsMax);
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS/.test(code);
  return new RegistryFailure(certificate ? 'CertificateRefused' : 'RegistryUnavailable', `${what}: ${said}`);
}
