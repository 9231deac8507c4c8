import { Collection } from './collection.ts';

/** Everything that the server keeps: collections by `group/plural`, and one revision counter for all, as etcd's. */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #historyMax: number;
  #revision = 1;

  /** `historyMax`: writes kept per collection for watches that resume. */
  constructor(historyMax: number) {
    this.#historyMax = historyMax;
  }

  get revision(): number {
    return this.#revision;
  }

  collection(key: string): Collection {
    const present = this.#collections.get(key);
    if (present) return present;
    const made = new Collection(() => (this.#revision += 1), this.#historyMax);
    this.#collections.set(key, made);
    return made;
  }

  compact(): void {
    for (const collection of this.#collections.values()) collection.compact();
  }
}
