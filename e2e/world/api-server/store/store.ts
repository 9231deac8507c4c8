import { Collection } from './collection.ts';

/** Everything that the server keeps: collections by `group/plural`, and one revision counter for all, as etcd's. */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #historyMax: number;
  #revision = 1;
  #compactedRevision = 0;

  /** `historyMax`: writes kept per collection for watches that resume. */
  constructor(historyMax: number) {
    this.#historyMax = historyMax;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Lists as of an older revision are refused. */
  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  collection(key: string): Collection {
    const present = this.#collections.get(key);
    if (present) return present;
    const made = new Collection(() => (this.#revision += 1), this.#historyMax);
    this.#collections.set(key, made);
    return made;
  }

  /** Takes a revision of its own, as the note of it does that the real server keeps. */
  compact(): void {
    this.#revision += 1;
    this.#compactedRevision = this.#revision;
    for (const collection of this.#collections.values()) collection.compact();
  }
}
