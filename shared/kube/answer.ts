import { shortened } from '../core/conditions.ts';
import { errorMessage } from '../core/errors.ts';
import { oneLine } from '../core/one-line.ts';
import { KubeError } from './errors.ts';

const messageCharsMax = 2048;
/** An hour's wait asked for by a broken proxy would stop a watch for an hour. */
const retryAfterMsMax = 10 * 60_000;
/** It becomes a meter's label: words, not texts. */
const reasonPattern = /^[A-Za-z]{1,64}$/;

/** The reasons of metav1.Status for answers that carry none (a proxy's, a plain-text 404). */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** A redirect is none: an API server sends none, and what it leads to was not asked to do anything. */
export function isGood({ statusCode }: { statusCode: number }): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** The error that any other answer is: the server's message and reason, whatever form its body has. */
export function refusal(answer: {
  status: number;
  body: string;
  retryAfter: string | undefined;
  nowMs: number;
}): KubeError {
  const { status, body } = answer;
  const said = statusObject(body);
  const reason = said?.reason || reasons[status] || 'Unknown';
  const message = oneLine(said?.message || body) || `the server answered ${status}`;
  return new KubeError(
    status,
    reason,
    shortened(message, messageCharsMax),
    retryAfterMs(answer.retryAfter, answer.nowMs),
  );
}

/** A connection that failed, or an answer that is none. */
export function connectionFailure(error: unknown, server: string): KubeError {
  if (error instanceof KubeError) return error;
  return new KubeError(0, 'ConnectionFailed', `${server}: ${shortened(oneLine(rootMessage(error)), messageCharsMax)}`);
}

/** The innermost error says what happened (`ECONNREFUSED`, a certificate's flaw); those around it only that something did. */
function rootMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return rootMessage(error.errors[0]);
  if (error instanceof Error && error.cause instanceof Error) return rootMessage(error.cause);
  return errorMessage(error);
}

/** `Retry-After` is a number of seconds or a date; at most ten minutes of it are heeded. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header.trim())) return Math.min(Number(header) * 1000, retryAfterMsMax);
  const dateMs = Date.parse(header);
  return Number.isNaN(dateMs) ? undefined : Math.min(Math.max(0, dateMs - nowMs), retryAfterMsMax);
}

function statusObject(body: string): { reason?: string; message?: string } | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    if (value === null || typeof value !== 'object') return undefined;
    const { reason, message } = value as Record<string, unknown>;
    return {
      ...(typeof reason === 'string' && reasonPattern.test(reason) && { reason }),
      ...(typeof message === 'string' && { message }),
    };
  } catch {
    // No JSON after all: the body is quoted as it is.
    return undefined;
  }
}
