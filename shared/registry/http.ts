import { Readable } from 'node:stream';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { Clock } from '../core/clock.ts';
import { Agent } from '../core/http-agents.ts';
import { RegistryFailure } from './failure.ts';
import { bounded, giveUp, paced, unhurried } from './http-body.ts';
import { failureOf } from './http-failure.ts';
import { described, type HttpAnswer, type HttpHead, type HttpRequest, type HttpStream } from './http-message.ts';
import { TimeLimit } from './time-limit.ts';

/** Told of every request, after its redirects: the status that means something to us, else its class, or why there was none. */
export type RequestListener = (method: HttpRequest['method'], outcome: string) => void;

const redirectsMax = 5;
/** Sockets to one origin: a check is one or two small requests. */
const connectionsMax = 8;
const retryAfterMsMax = 3_600_000;
/**
 * HTTP as far as registries need it, on undici: redirects that lose the credentials when they leave the origin and never
 * leave TLS, a bound on every body, a time limit on every request (on every pause of one that sends or streams). Throws
 * `RegistryFailure` when there is no answer.
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
    const { extraCa } = options;
    // Read once: a system trusts more than a hundred certificates, and each connection would read them all again.
    const secureContext =
      extraCa === undefined ? undefined : createSecureContext({ ca: [...getCACertificates('default'), extraCa] });
    // Our own clock limits the whole request; undici's limits on its parts would run in real time.
    const parts = { connections: connectionsMax, headersTimeout: 0, bodyTimeout: 0 };
    this.#agents = {
      verified: new Agent({ ...parts, connect: secureContext === undefined ? {} : { secureContext } }),
      any: new Agent({ ...parts, connect: { rejectUnauthorized: false } }),
    };
  }

  /** The whole answer, at most `bodyBytesMax` bytes; without `content` all of it within the time limit. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const limit = new TimeLimit(this.#clock, this.#timeoutMs, request.signal);
    return this.#counted(request, limit, async () => {
      limit.begin();
      const { status, url, header, retryAfterMs, body } = await this.#follow(request, limit);
      const chunks: Buffer[] = [];
      for await (const chunk of bounded(request, body)) chunks.push(chunk);
      return { status, url, header, retryAfterMs, body: Buffer.concat(chunks) };
    });
  }

  /** The head of the answer within the time limit; then each chunk of its body. */
  async stream(request: HttpRequest): Promise<HttpStream> {
    const limit = new TimeLimit(this.#clock, this.#timeoutMs, request.signal);
    return this.#counted(request, limit, async () => {
      limit.begin();
      const { body, ...head } = await this.#follow(request, limit);
      return { ...head, chunks: () => unhurried(request, limit, bounded(request, body)), discard: () => giveUp(body) };
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#agents.verified.destroy(), this.#agents.any.destroy()]);
  }

  async #counted<T extends HttpHead>(request: HttpRequest, limit: TimeLimit, ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      this.#onRequest(request.method, outcomeOf(answer.status));
      return answer;
    } catch (error) {
      const failure = failureOf(error, request, limit);
      this.#onRequest(request.method, failure.reason);
      throw failure;
    } finally {
      limit.end();
    }
  }

  async #follow(request: HttpRequest, limit: TimeLimit): Promise<Exchanged> {
    let { url } = request;
    for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
      const authorization = url.origin === request.url.origin ? request.authorization : undefined;
      const answer = await this.#exchange({ ...request, url, authorization }, limit);
      const location = [301, 302, 303, 307, 308].includes(answer.status) ? answer.header('location') : undefined;
      if (location === undefined) return answer;
      giveUp(answer.body);
      url = redirected(url, location, request);
    }
    throw new RegistryFailure('UnexpectedAnswer', `${described(request)}: more than ${redirectsMax} redirects`);
  }

  async #exchange(request: HttpRequest, limit: TimeLimit): Promise<Exchanged> {
    const { url, method, authorization, content } = request;
    const length = content !== undefined && { 'content-length': String(content.bytes) };
    const answer = await this.#agents[request.trust].request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { 'user-agent': 'kmm-hub', ...request.headers, ...length, ...(authorization && { authorization }) },
      // An empty body is none: undici waits for the first chunk of an iterable.
      body: content === undefined || content.bytes === 0 ? null : Readable.from(paced(content.read(), limit)),
      signal: limit.signal,
    });
    const header = (name: string) => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const retryAfterMs = retryAfter(header('retry-after'), this.#clock.now());
    return { status: answer.statusCode, url, header, retryAfterMs, body: answer.body };
  }
}

type Exchanged = HttpHead & { body: Dispatcher.ResponseData['body'] };

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
