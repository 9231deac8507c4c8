import { hash } from 'node:crypto';

/**
 * JSON with sorted keys, no white space and no `undefined` members: equal values give equal text.
 * The hub-state annotation and the load hash (contract 3 and 9) are taken over it.
 */
export function canonicalJson(value: unknown): string {
  return canonicalText(value) ?? 'null';
}

/** The first `length` hexadecimal digits of SHA-256 over `text`. */
export function sha256Hex(text: string | Uint8Array, length = 64): string {
  return hash('sha256', text, 'hex').slice(0, length);
}

/** 16 hexadecimal digits over the canonical JSON of `value`. */
export function contentHash(value: unknown): string {
  return sha256Hex(canonicalJson(value), 16);
}

const remembered = new WeakMap<object, string>();

/** `contentHash` of an object that nobody changes any more: computed once for as long as the object lives. */
export function lastingHash(value: object): string {
  const known = remembered.get(value);
  if (known !== undefined) return known;
  const made = contentHash(value);
  remembered.set(value, made);
  return made;
}

const texts = new WeakMap<object, string>();

/** Keeps the canonical JSON of a frozen part that many objects share: it is made once for all of them. */
export function rememberText<T extends object>(part: T): T {
  if (!texts.has(part)) texts.set(part, canonicalJson(part));
  return part;
}

/** `JSON.stringify`, but that the text of members that is kept (`rememberText`) is not made again. */
export function jsonText(value: unknown): string {
  if (!isContainer(value) || Array.isArray(value)) return JSON.stringify(value);
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    const text = (isContainer(member) ? texts.get(member) : undefined) ?? JSON.stringify(member);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

/** Whether the canonical JSON of both is the same, without making it. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b))
    return !isContainer(a) && !isContainer(b) && canonicalJson(a) === canonicalJson(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    const areLists = Array.isArray(a) && Array.isArray(b);
    return areLists && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  const [ours, theirs] = [present(a), present(b)];
  return ours.length === theirs.length && ours.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}

function present(value: Record<string, unknown>): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** Undefined where JSON has nothing: `undefined` and functions. */
function canonicalText(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item) ?? 'null').join(',')}]`;
  const members: string[] = [];
  for (const key of sortedKeys(value)) {
    const text = canonicalText((value as Record<string, unknown>)[key]);
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

/** JavaScript lists keys that are numbers first, in their order, whatever is done to an object: so they stand in every hash. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  const numbers = keys.findIndex((key) => !isIndex(key));
  if (numbers <= 0) return numbers < 0 ? keys : keys.sort();
  return [...keys.slice(0, numbers), ...keys.slice(numbers).sort()];
}

function isIndex(key: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
}
