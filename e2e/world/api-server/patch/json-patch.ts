import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../../../shared/core/record.ts';
import { badRequest, unprocessable } from '../failures.ts';
import { copyOf } from '../object.ts';

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

const operationsMax = 10_000;

/**
 * RFC 6902 on a copy of `document`. A body that is no patch is 400; an operation that cannot be carried out, a failed
 * `test` among them, is 422, and nothing of the patch is kept.
 */
export function jsonPatch(document: unknown, body: unknown): unknown {
  if (!Array.isArray(body)) throw badRequest('error decoding patch: json: expected an array of operations');
  if (body.length > operationsMax) {
    throw badRequest(`The allowed maximum operations in a JSON patch is ${operationsMax}, got ${body.length}`);
  }
  let patched = copyOf(document);
  for (const operation of body) patched = applied(patched, parseOperation(operation));
  return patched;
}

function parseOperation(value: unknown): Operation {
  if (!isRecord(value) || typeof value['op'] !== 'string' || typeof value['path'] !== 'string') {
    throw badRequest('error decoding patch: every operation needs the strings op and path');
  }
  return value as unknown as Operation;
}

function applied(document: unknown, operation: Operation): unknown {
  switch (operation.op) {
    case 'add':
      return added(document, operation.path, copyOf(operation.value));
    case 'remove':
      return removed(document, operation.path);
    case 'replace':
      return added(removed(document, operation.path), operation.path, copyOf(operation.value));
    case 'move': {
      const moved = found(document, operation.from ?? '');
      return added(removed(document, operation.from ?? ''), operation.path, moved);
    }
    case 'copy':
      return added(document, operation.path, copyOf(found(document, operation.from ?? '')));
    case 'test': {
      // Kubernetes' library takes an absent member for null.
      const present = lookup(document, operation.path) ?? null;
      if (!isDeepStrictEqual(present, operation.value ?? null)) {
        throw unprocessable(`testing value ${operation.path} failed: test failed`);
      }
      return document;
    }
    default:
      throw badRequest(`Unexpected kind: ${operation.op}`);
  }
}

function added(document: unknown, path: string, value: unknown): unknown {
  const { parent, last } = resolve(document, path);
  if (last === undefined) return value;
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : indexOf(parent.length + 1, last, path);
    parent.splice(index, 0, value);
  } else if (isRecord(parent)) {
    parent[last] = value;
  } else {
    throw unprocessable(`add operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
  }
  return document;
}

function removed(document: unknown, path: string): unknown {
  const { parent, last } = resolve(document, path);
  if (last === undefined) return null;
  if (Array.isArray(parent)) {
    parent.splice(indexOf(parent.length, last, path), 1);
  } else if (isRecord(parent) && Object.hasOwn(parent, last)) {
    delete parent[last];
  } else {
    throw unprocessable(`remove operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
  }
  return document;
}

function found(document: unknown, path: string): unknown {
  const value = lookup(document, path);
  if (value === undefined) throw unprocessable(`doc is missing path: ${JSON.stringify(path)}: missing value`);
  return value;
}

function lookup(document: unknown, path: string): unknown {
  let present = document;
  for (const name of segments(path)) {
    if (Array.isArray(present)) present = present[Number(name)];
    else if (isRecord(present) && Object.hasOwn(present, name)) present = present[name];
    else return undefined;
  }
  return present;
}

function resolve(document: unknown, path: string): { parent: unknown; last: string | undefined } {
  const names = segments(path);
  const last = names.pop();
  const parentPath = path.slice(0, path.lastIndexOf('/'));
  return { parent: last === undefined ? undefined : lookup(document, parentPath), last };
}

function segments(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw badRequest(`error decoding patch: ${JSON.stringify(path)} does not start with /`);
  const names = path.slice(1).split('/');
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexOf(length: number, text: string, path: string): number {
  const index = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : -1;
  if (index < 0 || index >= length)
    throw unprocessable(`${JSON.stringify(path)}: Unable to access invalid index: ${text}`);
  return index;
}
