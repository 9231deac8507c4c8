import { expired } from '../failures.ts';
import type { ApiObject } from '../object.ts';
import { Stored } from './stored.ts';

/** One write, as the history keeps it and watchers see it; `previous` is absent for a create. */
export interface Write {
  readonly revision: number;
  readonly removed: boolean;
  /** The object after the write; for a removal its last state under the removal's revision. */
  readonly current: Stored;
  readonly previous: Stored | undefined;
}

export type WriteListener = (write: Write) => void;

const everywhere = Symbol('every namespace');
const noNamespace = '';

/** The objects of one kind, with a bounded history of writes for watches that resume. */
export class Collection {
  readonly #nextRevision: () => number;
  readonly #historyMax: number;
  readonly #namespaces = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Map<string | typeof everywhere, Set<WriteListener>>();
  #history: Write[] = [];
  /** Revision of the newest write that the history has forgotten. */
  #forgottenRevision = 0;

  constructor(nextRevision: () => number, historyMax: number) {
    this.#nextRevision = nextRevision;
    this.#historyMax = historyMax;
  }

  get(namespace: string | undefined, name: string): Stored | undefined {
    return this.#namespaces.get(namespace ?? noNamespace)?.get(name);
  }

  /** All objects, or those of one namespace, in the order of their keys. */
  list(namespace?: string): Stored[] {
    const maps = namespace === undefined ? [...this.#namespaces.values()] : [this.#namespaces.get(namespace)];
    const found = maps.flatMap((map) => (map ? [...map.values()] : []));
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** As they were when the store had reached `revision`; throws 410 when that is forgotten. */
  listAt(revision: number, namespace?: string): Stored[] {
    const later = this.writesSince(revision);
    const present = this.list(namespace);
    if (later.length === 0) return present;
    const byKey = new Map(present.map((stored) => [stored.key, stored]));
    for (const { previous, current } of later.toReversed()) {
      if (namespace !== undefined && current.object.metadata.namespace !== namespace) continue;
      if (previous === undefined) byKey.delete(current.key);
      else byKey.set(current.key, previous);
    }
    return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  isEmpty(): boolean {
    return this.#namespaces.size === 0;
  }

  /** Stores `object`, which now belongs to the collection, under the next revision. */
  put(object: ApiObject): Stored {
    const revision = this.#nextRevision();
    object.metadata.resourceVersion = String(revision);
    const current = new Stored(object, revision);
    const namespace = object.metadata.namespace ?? noNamespace;
    const objects = this.#namespaces.get(namespace) ?? new Map<string, Stored>();
    this.#namespaces.set(namespace, objects);
    const previous = objects.get(object.metadata.name);
    objects.set(object.metadata.name, current);
    this.#record({ revision, removed: false, current, previous });
    return current;
  }

  remove(stored: Stored): Stored {
    const { namespace = noNamespace, name } = stored.object.metadata;
    const objects = this.#namespaces.get(namespace);
    objects?.delete(name);
    if (objects?.size === 0) this.#namespaces.delete(namespace);
    const revision = this.#nextRevision();
    const metadata = { ...stored.object.metadata, resourceVersion: String(revision) };
    const current = new Stored({ ...stored.object, metadata }, revision);
    this.#record({ revision, removed: true, current, previous: stored });
    return current;
  }

  /** The writes after `revision`, oldest first; throws 410 when some of them are forgotten. */
  writesSince(revision: number): readonly Write[] {
    if (revision < this.#forgottenRevision) {
      throw expired(`too old resource version: ${revision} (${this.#forgottenRevision})`);
    }
    let first = this.#history.length;
    while (first > 0 && this.#history[first - 1]!.revision > revision) first -= 1;
    return this.#history.slice(first);
  }

  /** Calls `listener` for every later write in the namespace, or in all; gives the function that ends it. */
  listen(namespace: string | undefined, listener: WriteListener): () => void {
    const key = namespace ?? everywhere;
    const listeners = this.#listeners.get(key) ?? new Set<WriteListener>();
    this.#listeners.set(key, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  /** Forgets the history, as etcd's compaction does: older watches are answered 410. */
  compact(): void {
    this.#forget(this.#history.length);
  }

  #record(write: Write): void {
    this.#history.push(write);
    // Cut in slices, so that the cost of a write stays constant.
    if (this.#history.length > this.#historyMax * 1.5) this.#forget(this.#history.length - this.#historyMax);
    const namespace = write.current.object.metadata.namespace;
    const inNamespace = namespace === undefined ? undefined : this.#listeners.get(namespace);
    for (const listeners of [this.#listeners.get(everywhere), inNamespace]) {
      if (listeners) for (const listener of [...listeners]) listener(write);
    }
  }

  #forget(count: number): void {
    const last = this.#history[count - 1];
    if (last === undefined) return;
    this.#forgottenRevision = last.revision;
    this.#history = this.#history.slice(count);
  }
}
