import type { FeedbackValue } from '@open-cluster-management/api-types';

type FieldValue = FeedbackValue['fieldValue'];

export type FieldReading =
  | { kind: 'value'; value: FieldValue }
  /** Not there: no value and no error. */
  | { kind: 'missing' }
  | { kind: 'failed'; message: string };

const pathPattern = /^(\.[A-Za-z_][\w-]*|\[\d+\])+$/;

/**
 * Reads `path` (`.a.b[0].c`: of JSONPath what feedback rules use here) from `object`. Only whole numbers, texts and
 * truth values can be reported.
 */
export function readField(object: unknown, path: string): FieldReading {
  if (!pathPattern.test(path)) return { kind: 'failed', message: `unknown form of path ${path}` };
  let found: unknown = object;
  for (const [, name, index] of path.matchAll(/\.([A-Za-z_][\w-]*)|\[(\d+)\]/g)) {
    found = (found as Record<string, unknown> | null | undefined)?.[name ?? index ?? ''];
  }
  if (found === undefined || found === null) return { kind: 'missing' };
  if (typeof found === 'string') return { kind: 'value', value: { type: 'String', string: found } };
  if (typeof found === 'boolean') return { kind: 'value', value: { type: 'Boolean', boolean: found } };
  if (Number.isInteger(found)) return { kind: 'value', value: { type: 'Integer', integer: Number(found) } };
  return { kind: 'failed', message: `the value at ${path} is neither a whole number nor a text nor a truth value` };
}
