import { RE2JS } from 're2js';
import { errorMessage } from '../core/errors.ts';

/** A compiled regular expression, or why it does not compile: the author's error, so a value and no exception. */
export type Pattern =
  | { readonly kind: 'pattern'; matches(text: string): boolean }
  | { readonly kind: 'invalid'; readonly message: string };

/** Compiled patterns kept at once: a few mappings each of a few hundred modules; one costs some kilobytes. */
const patternsKeptMax = 512;
/**
 * Instructions of a compiled pattern, at most 190 bytes each: 512 patterns stay below 250 MB whoever wrote them. One for
 * kernel versions has 20 to 50; `a{1000}` repeated up to the limit of a string has 146,000, and a mapping can be written
 * by anyone who may write a Module.
 */
const instructionsMax = 2_500;

/**
 * Compiles `text` with RE2's syntax and meaning (linear time, search anywhere unless anchored; checklist 5).
 * Compiling costs about a hundred searches and the same few expressions meet every cluster's kernels, so the results
 * of this pure function are kept; nobody can tell but by the time it takes.
 */
export const compilePattern: (text: string) => Pattern = keepingLatest(compile, patternsKeptMax);

function compile(text: string): Pattern {
  try {
    const compiled = RE2JS.compile(text);
    const instructions = compiled.programSize();
    if (instructions > instructionsMax) return tooLarge(instructions);
    return { kind: 'pattern', matches: (candidate) => compiled.test(candidate) };
  } catch (error) {
    return { kind: 'invalid', message: errorMessage(error) };
  }
}

function tooLarge(instructions: number): Pattern {
  const message = `expected an expression of at most ${instructionsMax} instructions, got ${instructions}: use fewer counted repetitions`;
  return { kind: 'invalid', message };
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
