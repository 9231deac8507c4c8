import type { ServedKind } from './kinds/served-kind.ts';

/** One entry of `details.causes`: what is wrong with which field. */
export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

export interface FailureDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: readonly Cause[];
  retryAfterSeconds?: number;
}

/** An answer of 400 or more, worded as Kubernetes words it; `statusBody` makes the metav1.Status of it. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';
  readonly code: number;
  readonly reason: string;
  readonly details: FailureDetails | undefined;
  /** Of the answer's metadata: how to go on all the same. */
  continueToken: string | undefined;
  constructor(code: number, reason: string, message: string, details?: FailureDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

export function statusBody(failure: ApiFailure): Record<string, unknown> {
  const { message, reason, details, code, continueToken } = failure;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: continueToken === undefined ? {} : { continue: continueToken },
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  };
}

/** `pods` or `daemonsets.apps`: how messages name a resource. */
export function qualifiedResource(kind: Pick<ServedKind, 'group' | 'plural'>): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

function detailsOf(kind: ServedKind, name: string): FailureDetails {
  return { name, ...(kind.group !== '' && { group: kind.group }), kind: kind.plural };
}

export function notFound(kind: ServedKind, name: string): ApiFailure {
  return new ApiFailure(404, 'NotFound', `${qualifiedResource(kind)} "${name}" not found`, detailsOf(kind, name));
}

export function unknownPath(): ApiFailure {
  return new ApiFailure(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(kind: ServedKind, name: string): ApiFailure {
  const message = `${qualifiedResource(kind)} "${name}" already exists`;
  return new ApiFailure(409, 'AlreadyExists', message, detailsOf(kind, name));
}

export function conflict(kind: ServedKind, name: string, why: string): ApiFailure {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`;
  return new ApiFailure(409, 'Conflict', message, detailsOf(kind, name));
}

export const modifiedMeanwhile =
  'the object has been modified; please apply your changes to the latest version and try again';

export function invalid(kind: Pick<ServedKind, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiFailure {
  const groupKind = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = causes.map((cause) => (cause.field === undefined ? cause.message : `${cause.field}: ${cause.message}`));
  const joined = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiFailure(422, 'Invalid', `${groupKind} "${name}" is invalid: ${joined}`, {
    name,
    ...(kind.group !== '' && { group: kind.group }),
    kind: kind.kind,
    causes,
  });
}

export function forbidden(kind: ServedKind, name: string, why: string, causes?: readonly Cause[]): ApiFailure {
  const subject = name === '' ? qualifiedResource(kind) : `${qualifiedResource(kind)} "${name}"`;
  const details = { ...detailsOf(kind, name), ...(causes && { causes }) };
  return new ApiFailure(403, 'Forbidden', `${subject} is forbidden: ${why}`, details);
}

export function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, 'BadRequest', message);
}

export function unauthorized(): ApiFailure {
  return new ApiFailure(401, 'Unauthorized', 'Unauthorized');
}

export function methodNotAllowed(): ApiFailure {
  return new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function expired(message: string, continueToken?: string): ApiFailure {
  const failure = new ApiFailure(410, 'Expired', message);
  failure.continueToken = continueToken;
  return failure;
}

/** A JSON patch that cannot be applied, a failed `test` among them. */
export function unprocessable(why: string): ApiFailure {
  const causes = [{ reason: 'UnexpectedServerResponse', message: why }];
  return new ApiFailure(422, 'Invalid', 'the server rejected our request due to an error in our request', { causes });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiFailure {
  const list = accepted.join(', ');
  const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
  return new ApiFailure(415, 'UnsupportedMediaType', message);
}
