import { ApiFailure } from '../failures.ts';
import type { Fault, RefusalCode } from './fault.ts';

const refusals: Readonly<Record<RefusalCode, { reason: string; message: string }>> = {
  409: { reason: 'Conflict', message: 'Operation cannot be fulfilled: the object has been modified; please try again' },
  410: { reason: 'Expired', message: 'too old resource version: a fault of the test' },
  429: {
    reason: 'TooManyRequests',
    message: 'the server has received too many requests and has asked us to try again later',
  },
  500: { reason: 'InternalError', message: 'Internal error occurred: a fault of the test' },
};

/** The answer of a server that refuses by a fault. */
export function refusal(fault: Extract<Fault, { type: 'refuse' }>): ApiFailure {
  const { code, retryAfterSeconds } = fault;
  const { reason, message } = refusals[code];
  return new ApiFailure(code, reason, message, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds });
}
