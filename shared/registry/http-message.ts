/** What is sent: exactly `bytes`, read anew for each attempt (a redirect or a login asks for another one). */
export interface HttpContent {
  bytes: number;
  read(): AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  method: 'HEAD' | 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  content?: HttpContent | undefined;
  /** Sent to the origin of `url` only, however the server redirects. */
  authorization?: string | undefined;
  /** `any`: certificates are not verified, and a redirect may lead to plain HTTP. */
  trust: 'verified' | 'any';
  bodyBytesMax: number;
  /** Ends it, and what is still to be read of its answer. */
  signal?: AbortSignal | undefined;
}

export interface HttpHead {
  status: number;
  /** Where the answer came from, after redirects. */
  url: URL;
  header(name: string): string | undefined;
  /** From `Retry-After`, at most an hour. */
  retryAfterMs: number | undefined;
}

export interface HttpAnswer extends HttpHead {
  body: Buffer;
}

/** An answer whose body is still to be read, once: to its end or to the first break, which closes the connection. */
export interface HttpStream extends HttpHead {
  chunks(): AsyncGenerator<Buffer, void, undefined>;
  /** Gives the body up. */
  discard(): void;
}

/** Method and address for messages: without a query, which may hold a signature that grants access. */
export function described({ method, url }: Pick<HttpRequest, 'method' | 'url'>): string {
  return `${method} ${url.origin}${url.pathname}`;
}
