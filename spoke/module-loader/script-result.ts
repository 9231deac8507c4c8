import type { ContainerStatus } from '../../shared/kube/object.ts';

/** The JSON line that the loader script leaves as termination message (contract 9). */
export interface ScriptResult {
  verb: string;
  result: string;
  reason: string;
  boot: string;
  hash: string;
  holders: string[];
  message: string;
}

/** Reads a termination message. It comes from a container that may be anything: what is no result gives `undefined`. */
export function parseResult(text: string | undefined): ScriptResult | undefined {
  if (text === undefined || !text.trimStart().startsWith('{')) return undefined;
  let value: unknown;
  try {
    // Only the first line: a shell killed at the wrong moment may have begun a second one.
    value = JSON.parse(text.trimStart().split('\n', 1)[0] ?? '');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const fields = value as Record<string, unknown>;
  if (typeof fields['result'] !== 'string') return undefined;
  const textOf = (field: string) => (typeof fields[field] === 'string' ? fields[field] : '');
  return {
    verb: textOf('verb'),
    result: textOf('result'),
    reason: textOf('reason'),
    boot: textOf('boot'),
    hash: textOf('hash'),
    holders: holdersOf(fields['holders']),
    message: textOf('message'),
  };
}

/** The last end of a container: how it is now, else how it was before it was started again. */
export function lastEnd(status: ContainerStatus | undefined) {
  return status?.state?.terminated ?? status?.lastState?.terminated;
}

export function lastResult(status: ContainerStatus | undefined): ScriptResult | undefined {
  return parseResult(lastEnd(status)?.message);
}

/** A list, or (a shell has no lists) names separated by white space. */
function holdersOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((name) => name !== '');
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}
