import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { RegistryFailure } from './failure.ts';
import { failureOf } from './http-failure.ts';
import { described, type HttpRequest } from './http-message.ts';
import type { TimeLimit } from './time-limit.ts';

const restBytesMax = 16 * 1024;

/** The chunks of a body that must not be longer than the request says. */
export async function* bounded(request: HttpRequest, body: Readable): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > request.bodyBytesMax) {
      const expected = `expected at most ${request.bodyBytesMax} bytes, got more`;
      throw new RegistryFailure('UnexpectedAnswer', `${described(request)}: ${expected}`);
    }
    yield chunk;
  }
}

/** Limits the waits for the server, not what the reader does between them. */
export async function* unhurried(
  request: HttpRequest,
  limit: TimeLimit,
  chunks: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (;;) {
      limit.begin();
      const next = await chunks.next();
      limit.end();
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw failureOf(error, request, limit);
  } finally {
    limit.end();
    await chunks.return();
  }
}

/** Limits the waits of the connection for more room, not those for the content; the last one is for the answer. */
export async function* paced(content: AsyncIterable<Uint8Array>, limit: TimeLimit): AsyncGenerator<Uint8Array> {
  limit.end();
  for await (const chunk of content) {
    limit.begin();
    yield chunk;
    limit.end();
  }
  limit.begin();
}

/** A little rest is read, so that the connection serves again; it is closed before much of one. */
export function giveUp(body: Dispatcher.ResponseData['body']): void {
  body.dump({ limit: restBytesMax }).catch(() => body.destroy());
}
