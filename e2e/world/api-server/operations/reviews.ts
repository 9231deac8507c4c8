import type { Credentials } from '../credentials.ts';
import { badRequest } from '../failures.ts';
import type { Authorize } from '../http/pipeline.ts';

/** Kinds that are a question: created, answered in `status`, never stored. */
export interface ReviewKind {
  readonly group: string;
  readonly plural: string;
}

const kinds = new Map<string, ReviewKind>(
  [
    { group: 'authentication.k8s.io', plural: 'tokenreviews' },
    { group: 'authorization.k8s.io', plural: 'subjectaccessreviews' },
    { group: 'authorization.k8s.io', plural: 'selfsubjectaccessreviews' },
  ].map((kind) => [`/apis/${kind.group}/v1/${kind.plural}`, kind]),
);

/** Undefined for every other request. */
export function reviewAt({ method, path }: { method: string; path: string }): ReviewKind | undefined {
  return method === 'POST' ? kinds.get(path) : undefined;
}

/** The body with its `status`. A token is one of this server's own; a right is what `authorize` says of it. */
export function answerReview(
  { plural }: ReviewKind,
  body: unknown,
  { user, credentials, authorize }: { user: string; credentials: Credentials; authorize: Authorize | undefined },
): object {
  const { spec = {}, ...review } = (body ?? {}) as { spec?: Record<string, unknown> };
  return { ...review, spec, status: status() };

  function status(): object {
    if (plural === 'tokenreviews') return tokenStatus(spec, credentials);
    return plural === 'subjectaccessreviews' ? accessStatus(spec, authorize) : ownAccess(spec, user, authorize);
  }
}

function tokenStatus({ token }: Record<string, unknown>, credentials: Credentials): object {
  if (typeof token !== 'string' || token === '') throw badRequest('spec.token: Required value');
  const username = credentials.userOf(`Bearer ${token}`);
  if (username === undefined) return { authenticated: false, error: 'invalid bearer token' };
  return { authenticated: true, user: { username, groups: ['system:authenticated'] } };
}

/** Of resources only, and of who asks. */
function ownAccess(spec: Record<string, unknown>, user: string, authorize: Authorize | undefined): object {
  const { verb, resource, group = '', namespace, name } = (spec['resourceAttributes'] ?? {}) as Record<string, string>;
  if (verb === undefined || resource === undefined) throw badRequest('expected spec.resourceAttributes');
  const verdict = authorize?.({ user, verb, resource, group, namespace, name }) ?? true;
  return { allowed: verdict === true, ...(typeof verdict === 'string' && { reason: verdict }) };
}

/** Of URLs only: nobody of ours asks about others' resources. */
function accessStatus(spec: Record<string, unknown>, authorize: Authorize | undefined): object {
  const { user, nonResourceAttributes } = spec;
  const { path, verb } = (nonResourceAttributes ?? {}) as { path?: string; verb?: string };
  if (typeof user !== 'string' || typeof path !== 'string' || typeof verb !== 'string') {
    throw badRequest('expected spec.user and spec.nonResourceAttributes with path and verb');
  }
  const asked = { user, verb, resource: '', group: '', namespace: undefined, name: undefined, url: path };
  const verdict = authorize?.(asked) ?? true;
  return { allowed: verdict === true, ...(typeof verdict === 'string' && { reason: verdict }) };
}
