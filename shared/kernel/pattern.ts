import { RE2JS } from 're2js';
import { errorMessage } from '../core/errors.ts';

/** A compiled regular expression, or why it does not compile: the author's error, so a value and no exception. */
export type Pattern =
  | { readonly kind: 'pattern'; matches(text: string): boolean }
  | { readonly kind: 'invalid'; readonly message: string };

/** Compiled patterns kept at once: a few mappings each of a few hundred modules; one costs some kilobytes. */
const patternsKeptMax = 512;

/**
 * Compiles `text` with RE2's syntax and meaning (linear time, search anywhere unless anchored; checklist 5).
 * Compiling costs about a hundred searches and the same few expressions meet every cluster's kernels, so the results
 * of this pure function are kept; nobody can tell but by the time it takes.
 */
export const compilePattern: (text: string) => Pattern = keepingLatest(compile, patternsKeptMax);

function compile(text: string): Pattern {
  try {
    const compiled = RE2JS.compile(text);
    return { kind: 'pattern', matches: (candidate) => compiled.test(candidate) };
  } catch (error) {
    return { kind: 'invalid', message: errorMessage(error) };
  }
}

/** `compute` with its latest used results kept, at most `keptMax` of them. */
export function keepingLatest<T>(compute: (key: string) => T, keptMax: number): (key: string) => T {
  const kept = new Map<string, { value: T }>();
  return (key) => {
    const entry = kept.get(key) ?? { value: compute(key) };
    // A Map iterates in order of insertion: moving a used key to the end leaves the least recently used one first.
    kept.delete(key);
    kept.set(key, entry);
    const oldest = kept.keys().next();
    if (kept.size > keptMax && !oldest.done) kept.delete(oldest.value);
    return entry.value;
  };
}
