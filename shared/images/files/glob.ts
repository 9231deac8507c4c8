import { RE2JS } from 're2js';

/** One part of a path pattern, between slashes. */
export type GlobPart =
  | { kind: 'name'; name: string }
  | { kind: 'pattern'; matches(name: string): boolean }
  | { kind: 'any' };

/**
 * A path pattern as Bash has it: `*`, `?` and `[…]` within a part (`[!…]`, ranges and `[[:alpha:]]` too), `**` alone for any
 * folders, `\` before a character that means itself. `*` and `?` match no leading dot. Matched by RE2: no pattern takes more than
 * linear time. `undefined`: no pattern, such as a range that ends before it begins.
 */
export function parseGlob(pattern: string): readonly GlobPart[] | undefined {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  const parsed = parts.map(parsePart);
  return parsed.includes(undefined) ? undefined : (parsed as GlobPart[]);
}

function parsePart(part: string): GlobPart | undefined {
  if (part === '**') return { kind: 'any' };
  const tokens = [...part.matchAll(/\\(.)|\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]|([*?])|(.)/gsu)];
  const isName = tokens.every(([, escaped, , , , plain]) => escaped !== undefined || plain !== undefined);
  if (isName) return { kind: 'name', name: tokens.map(([, escaped, , , , plain]) => escaped ?? plain).join('') };
  const expression = tokens.map(([, escaped, not, set, wildcard, plain]) => {
    if (wildcard !== undefined) return wildcard === '*' ? '.*' : '.';
    if (set !== undefined) return `[${not ? '^' : ''}${setOf(set)}]`;
    return RE2JS.quote(escaped ?? plain ?? '');
  });
  const compiled = compile(`^(?s:${expression.join('')})$`);
  const hiddenToo = /^(?:\\?\.)/.test(part);
  return (
    compiled && { kind: 'pattern', matches: (name) => (hiddenToo || !name.startsWith('.')) && compiled.test(name) }
  );
}

/** `]` at the begin and `\` are themselves; classes such as `[:alpha:]` stay. */
function setOf(set: string): string {
  return set.replaceAll(/\[:[a-z]+:\]|[\]\\[^&~]/g, (found) => (found.length > 1 ? found : `\\${found}`));
}

function compile(expression: string): RE2JS | undefined {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('RE2JS')) return undefined;
    throw error;
  }
}
