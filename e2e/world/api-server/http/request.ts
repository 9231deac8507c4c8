import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { errorMessage } from '../../../../shared/core/errors.ts';
import { ApiFailure, badRequest, methodNotAllowed, unknownPath, unsupportedMediaType } from '../failures.ts';
import type { Catalog } from '../kinds/catalog.ts';
import type { ServedKind } from '../kinds/served-kind.ts';
import { type TableRequest, tableRequest } from '../tables/table.ts';
import { type MetadataRequest, metadataRequest } from './metadata-only.ts';
import { protobufType, readProtobuf } from './protobuf.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** What a path and method ask for. */
export interface ResourceRequest {
  readonly verb: Verb;
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
  /** Set when the answer is to be a table; only reads know it. */
  readonly table: TableRequest | undefined;
  /** Set when the answer is to be objects' metadata and no more. */
  readonly metadata: MetadataRequest | undefined;
}

const bodyBytesMax = 3 * 1024 * 1024;

/** Undefined for a path that is no resource's (discovery, version, health). */
export function parseResourceRequest(
  { method, accept }: { method: string; accept: string },
  url: URL,
  catalog: Catalog,
): ResourceRequest | undefined {
  const segments = url.pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeURIComponent);
  const place = placeOf(segments, catalog);
  if (place === undefined) return undefined;
  const query = url.searchParams;
  if (!place.kind.namespaced && place.namespace !== undefined) throw unknownPath();
  if (place.kind.namespaced && place.namespace === undefined && place.name !== undefined) throw unknownPath();
  const verb = verbOf(method, place.name !== undefined, query);
  const lacksNamespace = place.kind.namespaced && place.namespace === undefined;
  if (lacksNamespace && (verb === 'create' || verb === 'deletecollection')) throw methodNotAllowed();
  const metadata = metadataRequest(accept);
  return { ...place, verb, query, metadata, table: metadata ? undefined : tableRequest(accept, query) };
}

type Place = Pick<ResourceRequest, 'kind' | 'namespace' | 'name' | 'subresource'>;

function placeOf(segments: readonly string[], catalog: Catalog): Place | undefined {
  const [root] = segments;
  const prefixLength = root === 'api' ? 2 : root === 'apis' ? 3 : Number.POSITIVE_INFINITY;
  if (segments.length <= prefixLength) return undefined;
  const version = segments.slice(1, prefixLength).join('/');
  const rest = segments.slice(prefixLength);
  // `/namespaces/x/status` is the namespace's own subresource, `/namespaces/x/pods` a resource in it.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [plural = '', name, subresource, beyond] = inNamespace ? rest.slice(2) : rest;
  const kind = catalog.find(version, plural);
  if (kind === undefined || beyond !== undefined) throw unknownPath();
  if (subresource !== undefined && !hasSubresource(kind, subresource)) throw unknownPath();
  return { kind, namespace: inNamespace ? rest[1] : undefined, name, subresource };
}

function hasSubresource(kind: ServedKind, name: string): boolean {
  if (name === 'status') return kind.hasStatus;
  if (name === 'binding') return kind.collection === '/pods';
  return name === 'finalize' && kind.collection === '/namespaces';
}

function verbOf(method: string, named: boolean, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (!named) return isTrue(query.get('watch')) ? 'watch' : 'list';
      return 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      if (named) return 'update';
      break;
    case 'PATCH':
      if (named) return 'patch';
      break;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
  }
  throw methodNotAllowed();
}

export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

/** A whole number of the query, or undefined when it is not given; 400 for anything else. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`invalid ${name}: expected a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

const readableTypes = ['application/json', 'application/yaml'];

/** The body, from JSON or YAML, or from protobuf as far as kubectl insists on it; undefined when there is none. */
export async function readBody(message: IncomingMessage, contentType: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  if (bytes > bodyBytesMax) {
    const text = `Request entity too large: limit is ${bodyBytesMax}`;
    throw new ApiFailure(413, 'RequestEntityTooLarge', text);
  }
  if (bytes === 0) return undefined;
  if (contentType === protobufType) return readProtobuf(Buffer.concat(chunks));
  const isPatch = contentType.endsWith('-patch+json') || contentType.endsWith('-patch+yaml');
  if (contentType !== '' && !isPatch && !readableTypes.includes(contentType)) throw unsupportedMediaType(readableTypes);
  const text = Buffer.concat(chunks).toString();
  try {
    return contentType.endsWith('yaml') ? parse(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body is not ${contentType || 'JSON'}: ${errorMessage(error)}`);
  }
}
