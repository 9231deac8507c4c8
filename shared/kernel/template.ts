import { normalised, versionParts, withoutPlus } from './version.ts';

/** A substituted text, or why the template cannot be used: an error of the one mapping that holds it (checklist 12). */
export type Substituted = { kind: 'text'; text: string } | { kind: 'error'; message: string };

export interface ModuleIdentity {
  name: string;
  namespace: string;
}

/** Defaults within defaults: `${A:-${B:-c}}` needs two. */
const nestingMax = 8;

/**
 * What `${…}` may name (behaviour.md (c)), or undefined when the kernel version has fewer than three parts. In `sign`
 * fields there is no identity, so there are no `MOD_…` variables.
 */
export function templateVariables(kernel: string, identity?: ModuleIdentity): Map<string, string> | undefined {
  const version = withoutPlus(kernel);
  const parts = versionParts(version);
  if (parts === undefined) return undefined;
  const [x, y, z] = parts;
  const variables = new Map([
    ['KERNEL_FULL_VERSION', normalised(version)],
    ['KERNEL_VERSION', normalised(version)],
    ['KERNEL_X', x],
    ['KERNEL_Y', y],
    ['KERNEL_Z', z],
    ['KERNEL_XYZ', `${x}.${y}.${z}`],
  ]);
  if (identity !== undefined) variables.set('MOD_NAME', identity.name).set('MOD_NAMESPACE', identity.namespace);
  return variables;
}

/**
 * Replaces `$NAME`, `${NAME}` and `${NAME<operator>word}` with the operators `-` `:-` `=` `:=` (word when unset, with
 * colon also when empty) and `+` `:+` (word when set). Names are greedy, an unknown one is empty, `$$` is a dollar sign;
 * a lone `$`, `${}` and `$_` stay as they are. A brace that is not closed on its line is an error.
 */
export function substitute(template: string, variables: ReadonlyMap<string, string>): Substituted {
  try {
    const { text } = expand({ template, variables }, 0, 0);
    return { kind: 'text', text };
  } catch (error) {
    if (error instanceof TemplateError) return { kind: 'error', message: error.message };
    throw error;
  }
}

class TemplateError extends Error {}

interface Source {
  template: string;
  variables: ReadonlyMap<string, string>;
}

/** The text from `start` to the end, or (inside braces) to the `}` that closes them; `end` is behind what was read. */
function expand(source: Source, start: number, depth: number): { text: string; end: number } {
  const { template, variables } = source;
  let text = '';
  let at = start;
  while (at < template.length) {
    if (depth > 0 && template[at] === '}') return { text, end: at + 1 };
    if (depth > 0 && /[\r\n]/.test(template[at]!)) break;
    if (template[at] !== '$') {
      text += template[at++];
    } else if (template[at + 1] === '$') {
      text += '$';
      at += 2;
    } else if (template[at + 1] === '{') {
      const braces = expandBraces(source, at, depth + 1);
      text += braces.text;
      at = braces.end;
    } else {
      const name = nameAt(template, at + 1);
      text += name === '' || name === '_' ? `$${name}` : (variables.get(name) ?? '');
      at += 1 + name.length;
    }
  }
  if (depth > 0) throw new TemplateError(`expected a closing brace in ${JSON.stringify(template)}`);
  return { text, end: at };
}

/** `${…}` whose `$` stands at `start`. */
function expandBraces(source: Source, start: number, depth: number): { text: string; end: number } {
  if (depth > nestingMax) throw new TemplateError(`expected at most ${nestingMax} nested braces`);
  const name = nameAt(source.template, start + 2);
  const behindName = start + 2 + name.length;
  const operator = /^:?[-=+]/.exec(source.template.slice(behindName, behindName + 2))?.[0] ?? '';
  if (operator === '' && behindName < source.template.length && !/[}\r\n]/.test(source.template[behindName]!)) {
    throw new TemplateError(`unexpected ${JSON.stringify(source.template[behindName])} in \${${name}…}`);
  }
  const word = expand(source, behindName + operator.length, depth);
  if (name === '' || name === '_') return { text: source.template.slice(start, word.end), end: word.end };
  return { text: applied(operator, source.variables.get(name), word.text), end: word.end };
}

function applied(operator: string, value: string | undefined, word: string): string {
  const usable = operator.startsWith(':') ? value || undefined : value;
  if (operator.endsWith('+')) return usable === undefined ? '' : word;
  if (operator === '') return value ?? '';
  return usable ?? word;
}

function nameAt(template: string, at: number): string {
  return /^[A-Za-z0-9_]*/.exec(template.slice(at))?.[0] ?? '';
}
