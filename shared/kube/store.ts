import { type KubeObject, type ObjectRef, objectKey, refKey } from './object.ts';

/** Reads the keys of one index from an object. */
export type IndexFunction<T> = (object: T) => readonly string[];

/**
 * Objects by key, and by the values of each index. A change costs the object's own index values, a look-up what it
 * returns: cost follows the change, not the fleet (design.md, decision 5).
 */
export class Store<T extends KubeObject> {
  #objects = new Map<string, T>();
  #indexes: ReadonlyMap<string, { valuesOf: IndexFunction<T>; entries: Map<string, Map<string, T>> }>;
  #listed: readonly T[] | undefined;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexes = new Map(
      Object.entries(indexes).map(([name, valuesOf]) => [name, { valuesOf, entries: new Map() }] as const),
    );
  }

  get size(): number {
    return this.#objects.size;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#objects.get(refKey(ref));
  }

  /** All objects, in no order that means anything. The same array until something changes. */
  list(): readonly T[] {
    this.#listed ??= [...this.#objects.values()];
    return this.#listed;
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) {
      throw new TypeError(`no index "${index}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    }
    return [...(found.entries.get(value)?.values() ?? [])];
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  byKey(key: string): T | undefined {
    return this.#objects.get(key);
  }

  set(object: T): void {
    const key = objectKey(object);
    this.#unindex(key);
    this.#objects.set(key, object);
    this.#listed = undefined;
    for (const { valuesOf, entries } of this.#indexes.values()) {
      for (const value of valuesOf(object)) {
        const bucket = entries.get(value);
        if (bucket === undefined) entries.set(value, new Map([[key, object]]));
        else bucket.set(key, object);
      }
    }
  }

  delete(key: string): void {
    this.#unindex(key);
    this.#objects.delete(key);
    this.#listed = undefined;
  }

  #unindex(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    for (const { valuesOf, entries } of this.#indexes.values()) {
      for (const value of valuesOf(before)) {
        const bucket = entries.get(value);
        bucket?.delete(key);
        if (bucket?.size === 0) entries.delete(value);
      }
    }
  }
}
