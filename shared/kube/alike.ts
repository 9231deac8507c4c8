import { frozen } from '../core/frozen.ts';

/** Bounds the texts that are remembered for one kind of object; those not met for so many others are forgotten. */
const rememberedMax = 4_096;
/** Of all texts that it is known by, in one of two generations: however much somebody writes, memory is bounded. */
const rememberedCharsMax = 8 * 1024 * 1024;
/** A part that is longer is one object's own. */
const partCharsMax = 64 * 1024;
/** V8 shares the shorter ones by itself. */
const sharedCharsMin = 11;
/** Longer texts are mostly one object's own: to look for them costs more than it gives. */
const sharedCharsMax = 256;
/** What is nested deeper is left as it is: an object with a free part may be nested as deeply as the server's parser goes. */
const levelsMax = 64;

/**
 * Objects of one kind are alike: thousands say the same in the same words, and each comes from the server with copies of
 * its own. What is alike is kept once. Nothing is cut off: who reads or writes the object sees no difference, and shared
 * parts are frozen.
 */
export class Alike {
  readonly #parts = new Remembered<object>();
  readonly #texts = new Remembered<string>();

  /** The first part that said the same; for what most objects have in common as a whole. */
  part<T extends object>(part: T): T {
    const text = jsonOf(part);
    if (text === undefined || text.length > partCharsMax) return part;
    // To look into a part costs more than all else here, and those that are known were looked into.
    if (!this.#parts.has(text) && !isShallow(part, levelsMax)) return part;
    return this.#parts.of(text, () => frozen(this.texts(part))) as T;
  }

  /** A copy of which each text is shared by itself. Values of JSON only. */
  texts<T>(value: T): T {
    return this.#copied(value, levelsMax) as T;
  }

  #copied(value: unknown, levels: number): unknown {
    if (typeof value === 'string') {
      const isShared = value.length >= sharedCharsMin && value.length <= sharedCharsMax;
      return isShared ? this.#texts.of(value, () => value) : value;
    }
    if (value === null || typeof value !== 'object' || levels === 0) return value;
    if (Array.isArray(value)) return value.map((item) => this.#copied(item, levels - 1));
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const member = this.#copied((value as Record<string, unknown>)[key], levels - 1);
      if (key === '__proto__') Object.defineProperty(copy, key, { value: member, enumerable: true });
      else copy[key] = member;
    }
    return copy;
  }
}

/** Two generations: what is met again moves to the younger; the elder goes when that is full. */
class Remembered<T> {
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #youngChars = 0;

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  of(key: string, make: () => T): T {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const value = this.#old.get(key) ?? make();
    if (this.#young.size >= rememberedMax / 2 || this.#youngChars > rememberedCharsMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    this.#young.set(key, value);
    this.#youngChars += key.length;
    return value;
  }
}

/** Undefined where it is nested deeper than an older Node can follow. */
function jsonOf(part: object): string | undefined {
  try {
    return JSON.stringify(part);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}
