import type { Dispatcher } from 'undici';
import { isRecord } from '../core/record.ts';
import type { List, WatchEvent } from './client.ts';
import { KubeError } from './errors.ts';
import { apiVersion, type KubeObject, type Resource } from './object.ts';

/** The body of a refusal: a metav1.Status. What comes behind is not read. */
const refusalBytesMax = 64 * 1024;

/** The first 64 KiB of a body; a server that sends without end is cut off. */
export async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= refusalBytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, refusalBytesMax).toString('utf8');
}

/** Reads an answer to its end, which gives the connection back. A proxy's page, whatever its status, is no answer. */
export async function passOver({ headers, body }: Dispatcher.ResponseData): Promise<void> {
  if (String(headers['content-type'] ?? '').startsWith('application/json')) {
    await body.dump({ limit: Number.MAX_SAFE_INTEGER });
    if (body.errored !== null) throw body.errored;
    return;
  }
  await beginningOf(body);
  throw noAnswer('JSON');
}

/** Parses an answer. The parser's own message would quote the text, which may be a Secret. */
export function parsedBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noAnswer('JSON');
  }
}

/** A page of objects. An answer without these parts, taken for an empty page, would look as if all objects were gone. */
export function listFrom<T>(value: unknown): List<T> {
  const { metadata, items } = (value ?? {}) as { metadata?: { resourceVersion?: unknown }; items?: unknown };
  const isList = (Array.isArray(items) && items.every(isObject)) || items === null || items === undefined;
  if (typeof metadata?.resourceVersion !== 'string' || !isList) throw noAnswer('list of objects');
  return { metadata: metadata as List<T>['metadata'], items: (items ?? []) as T[] };
}

/** Plurals of a list of kinds, without subresources; undefined: there is no such list. */
export function namesFrom(value: unknown): string[] {
  if (value === undefined) return [];
  const resources = isRecord(value) ? value['resources'] : undefined;
  const names = Array.isArray(resources) ? resources.map((each) => isRecord(each) && each['name']) : undefined;
  if (!names?.every((name) => typeof name === 'string')) throw noAnswer('list of kinds');
  return names.filter((name) => !name.includes('/'));
}

/** Items of a list of a built-in kind carry neither kind nor apiVersion. */
export function withKind<T extends KubeObject>(resource: Resource<T>, item: T): T {
  return item.kind ? item : { ...item, apiVersion: apiVersion(resource), kind: resource.kind };
}

/** One line of a watch. */
export function eventFrom<T extends KubeObject>(line: string): WatchEvent<T> {
  const event = parsedBody(line) as WatchEvent<T> | null;
  const known = event !== null && typeof event === 'object' && eventTypes.has(event.type);
  if (known && (event.type === 'ERROR' ? isRecord(event.object) : isObject(event.object))) return event;
  throw noAnswer('watch event');
}

const eventTypes = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

function isObject(value: unknown): boolean {
  return isRecord(value) && isRecord(value['metadata']);
}

function noAnswer(what: string): KubeError {
  return new KubeError(0, 'ConnectionFailed', `the server answered with what is no ${what}`);
}
