import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../../../shared/core/errors.ts';
import type { Credentials } from '../credentials.ts';
import { ApiFailure, forbidden, statusBody, unauthorized, unknownPath } from '../failures.ts';
import type { Subject } from '../faults/fault.ts';
import type { Faults, Injection } from '../faults/faults.ts';
import { bind } from '../operations/bind.ts';
import type { Answer, Call, ServerState } from '../operations/context.ts';
import { create } from '../operations/create.ts';
import { deleteCollection, deleteOne } from '../operations/delete.ts';
import { discoveryDocument } from '../operations/discovery.ts';
import { get, list } from '../operations/read.ts';
import { answerReview, type ReviewKind, reviewAt } from '../operations/reviews.ts';
import { patch, update } from '../operations/update.ts';
import { watch } from '../operations/watch.ts';
import type { RequestEntry, RequestLog } from '../requests.ts';
import { requireWriteOptions } from '../validation/options.ts';
import { type EventLines, encodeAnswer } from './encode.ts';
import { openApiV2Document, openApiV2Type } from './openapi-v2.ts';
import { parseResourceRequest, type ResourceRequest, readBody } from './request.ts';

/** Who may do what: false or a reason refuses with 403. */
export type Authorize = (request: {
  user: string;
  verb: string;
  /** `pods` or `pods/status`. */
  resource: string;
  group: string;
  namespace: string | undefined;
  name: string | undefined;
  /** Of a question about a URL that is no resource's (`/metrics`); `resource` is empty then. */
  url?: string;
}) => boolean | string;

export interface Pipeline {
  readonly state: ServerState;
  readonly credentials: Credentials;
  authorize: Authorize | undefined;
  readonly requests: RequestLog;
  readonly lines: EventLines;
  readonly faults: Faults;
}

/** One request from its headers to its answer. */
export async function handle(pipeline: Pipeline, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(message.url ?? '/', 'https://server');
  const entry: RequestEntry = {
    method: message.method ?? '',
    path: url.pathname,
    verb: 'get',
    resource: '',
    user: '',
    userAgent: message.headers['user-agent'] ?? '',
    status: 0,
  };
  try {
    entry.user = authenticated(pipeline, message);
    const question = reviewAt(entry);
    if (question !== undefined) return await reviewed(pipeline, question, { message, response, entry });
    const { accept = '' } = message.headers;
    const request = parseResourceRequest({ method: entry.method, accept }, url, pipeline.state.catalog);
    if (request) authorized(pipeline, request, entry);
    const fault = request && pipeline.faults.next(subjectOf(entry, request));
    if (fault && !(await fault.before(response))) {
      pipeline.requests.add(entry);
      return;
    }
    await answered(pipeline, { message, response, request, entry, path: url.pathname, fault });
  } catch (error) {
    const failure = asFailure(error);
    entry.status = failure.code;
    pipeline.requests.add(entry);
    respond(response, failure.code, JSON.stringify(statusBody(failure)), retryHeader(failure));
  }
}

/** Reviews are answered and never stored: no kind of the catalog, no watch, no fault. */
async function reviewed(
  pipeline: Pipeline,
  review: ReviewKind,
  on: { message: IncomingMessage; response: ServerResponse; entry: RequestEntry },
): Promise<void> {
  const { message, response, entry } = on;
  const { user } = entry;
  Object.assign(entry, { verb: 'create', resource: review.plural });
  const subject = { user, verb: 'create', resource: review.plural, group: review.group };
  const verdict = pipeline.authorize?.({ ...subject, namespace: undefined, name: undefined }) ?? true;
  if (verdict !== true) throw new ApiFailure(403, 'Forbidden', `User "${user}" cannot create ${review.plural}`);
  const body = await readBody(message, (message.headers['content-type'] ?? '').split(';')[0]!.trim());
  const answer = answerReview(review, body, { ...pipeline, user });
  entry.status = 201;
  pipeline.requests.add(entry);
  respond(response, 201, JSON.stringify(answer));
}

function authenticated(pipeline: Pipeline, message: IncomingMessage): string {
  const user = pipeline.credentials.userOf(message.headers.authorization);
  if (user === undefined) throw unauthorized();
  return user;
}

function authorized(pipeline: Pipeline, request: ResourceRequest, entry: RequestEntry): void {
  const { verb, kind, namespace, name, subresource } = request;
  entry.verb = verb;
  entry.resource = subresource === undefined ? kind.plural : `${kind.plural}/${subresource}`;
  const { resource, user } = entry;
  const verdict = pipeline.authorize?.({ user, verb, resource, group: kind.group, namespace, name }) ?? true;
  if (verdict === true) return;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = `User "${user}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${where}`;
  throw forbidden(kind, name ?? '', verdict === false ? what : `${what}: ${verdict}`);
}

function subjectOf({ user, verb, resource }: RequestEntry, request: ResourceRequest): Subject {
  return { user, verb, resource, continued: (request.query.get('continue') ?? '') !== '' };
}

async function answered(
  pipeline: Pipeline,
  on: {
    message: IncomingMessage;
    response: ServerResponse;
    request: ResourceRequest | undefined;
    entry: RequestEntry;
    path: string;
    fault: Injection | undefined;
  },
): Promise<void> {
  const { request, response, entry } = on;
  const { state, requests, lines } = pipeline;
  if (request === undefined) {
    if (on.path === '/openapi/v2') {
      entry.status = 200;
      requests.add(entry);
      respond(response, 200, openApiV2Document(state.catalog), { 'content-type': openApiV2Type });
      return;
    }
    const document = discoveryDocument(on.path, state.catalog);
    if (document === undefined) throw unknownPath();
    entry.status = 200;
    requests.add(entry);
    respond(response, 200, typeof document === 'string' ? document : JSON.stringify(document));
    return;
  }
  if (request.verb === 'watch') {
    entry.status = 200;
    requests.add(entry);
    watch(state, request, { response, lines, gate: pipeline.faults.open(subjectOf(entry, request), response) });
    return;
  }
  const contentType = (on.message.headers['content-type'] ?? '').split(';')[0]!.trim();
  const body = await readBody(on.message, contentType);
  const call: Call = { ...request, body, contentType, warnings: [] };
  const answer = performed(pipeline, call);
  entry.status = answer.code;
  requests.add(entry);
  if (on.fault && !(await on.fault.after(response))) return;
  const text = 'stored' in answer ? encodeAnswer(call, answer.stored) : answer.text;
  const warning = call.warnings.map((warned) => `299 - "${warned.replaceAll('"', '\\"')}"`);
  respond(response, answer.code, text, warning.length > 0 ? { warning } : {});
}

function performed({ state }: Pipeline, call: Call): Answer {
  requireWriteOptions(call.verb, call.query);
  switch (call.verb) {
    case 'get':
      return get(state, call);
    case 'list':
    case 'watch':
      return list(state, call);
    case 'create':
      return call.subresource === 'binding' ? bind(state, call) : create(state, call);
    case 'update':
      return update(state, call);
    case 'patch':
      return patch(state, call);
    case 'delete':
      return deleteOne(state, call);
    case 'deletecollection':
      return deleteCollection(state, call);
  }
}

function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  // A bug of this server: shown whole to the test that meets it.
  const text = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error);
  return new ApiFailure(500, 'InternalError', `Internal error occurred: ${text}`);
}

function retryHeader(failure: ApiFailure): Record<string, string> {
  const seconds = failure.details?.retryAfterSeconds;
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

function respond(
  response: ServerResponse,
  code: number,
  text: string | Buffer,
  headers: Record<string, string | string[]> = {},
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const bytes = Buffer.from(text);
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}
