import { shortened } from '../core/conditions.ts';
import { errorMessage } from '../core/errors.ts';
import { oneLine } from '../core/one-line.ts';
import { RegistryFailure } from './failure.ts';
import { described, type HttpRequest } from './http-message.ts';
import type { TimeLimit } from './time-limit.ts';

/** Of what went wrong with a connection; it ends up in a status. */
const failureCharsMax = 300;

/** Why a request has no answer, in our words and at most a line of the connection's own. */
export function failureOf(error: unknown, request: HttpRequest, limit: TimeLimit): RegistryFailure {
  if (error instanceof RegistryFailure) return error;
  const what = described(request);
  if (limit.signal.aborted) {
    if (!limit.isOver) return new RegistryFailure('RegistryUnavailable', `${what}: given up`);
    return new RegistryFailure('RegistryUnavailable', `${what}: no answer within ${limit.ms / 1000} s`);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // A refused connection to a name of several addresses is an AggregateError without a message of its own.
  const text = [code, errorMessage(error)].filter((part) => part !== '').join(': ');
  // A certificate's names are in it, and they are of the server's making.
  const said = shortened(oneLine(text), failureCharsMax);
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS/.test(code);
  return new RegistryFailure(certificate ? 'CertificateRefused' : 'RegistryUnavailable', `${what}: ${said}`);
}
