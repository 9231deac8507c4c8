import { assert, unreachable } from '../core/assert.ts';
import { frozen } from '../core/frozen.ts';
import { annotations } from './names.ts';
import { type KubeObject, type ObjectMeta, type ObjectRef, objectKey, type Resource } from './object.ts';
import type { Runtime } from './runtime.ts';
import { type IndexFunction, Store } from './store.ts';
import { runWatch, type WatchTarget } from './watch.ts';
import type { WatchEffect } from './watch-state.ts';

/**
 * One object before and after. `previous` is undefined for a new one, `current` for one that is gone. When a deletion
 * was missed and the object made anew, both are set with different UIDs.
 */
export interface Change<T> {
  previous: T | undefined;
  current: T | undefined;
}

/** What `gather` reads. Objects are frozen: they are shared by all readers. */
export interface CacheView<T> {
  get(ref: ObjectRef): T | undefined;
  list(): readonly T[];
  byIndex(index: string, value: string): readonly T[];
  /** The first list is complete. It never turns false again: a cache that cannot reach its server keeps what it knew. */
  readonly synced: boolean;
}

export interface CacheOptions<T extends KubeObject> extends WatchTarget<T> {
  runtime: Runtime;
  /** As in `ListOptions`; never for objects that `writeOwned` writes. */
  metadataOnly?: boolean | undefined;
  /** Name → the values under which an object is found. */
  indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Reduces an object before it is kept, for memory. May cut nothing off objects that `writeOwned` writes: it would be cut off there (`Alike` cuts nothing). */
  slim?: (object: T) => T;
}

/** A cache of any kind, as who starts it sees it. */
export type AnyCache = Pick<Cache<KubeObject>, 'start' | 'synced' | 'stopped'>;

/** The objects of one kind as the API server last told, kept current by list+watch through every failure. */
export class Cache<T extends KubeObject> implements CacheView<T> {
  readonly resource: Resource<T>;
  #options: CacheOptions<T>;
  #store: Store<T>;
  #listeners: ((change: Change<T>) => void)[] = [];
  #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #stopped: Promise<void> | undefined;

  constructor(options: CacheOptions<T>) {
    this.resource = options.resource;
    this.#options = options;
    this.#store = new Store(options.indexes);
  }

  get synced(): boolean {
    return this.#isSynced;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#store.get(ref);
  }

  list(): readonly T[] {
    return this.#store.list();
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /** Tells every change, also each object of the first list; a listener that comes later is told what is there at once. */
  subscribe(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
    for (const current of this.#store.list()) listener({ previous: undefined, current });
  }

  /** Begins to list and watch; ends with `signal`. Once only. */
  start(signal: AbortSignal): void {
    assert(this.#stopped === undefined, `the cache of ${this.resource.plural} was started twice`);
    const { runtime } = this.#options;
    this.#stopped = runWatch(this.#options, { runtime, signal, onEffect: (effect) => this.#apply(effect) });
  }

  /** Resolves when the watch has ended after its signal aborted. */
  get stopped(): Promise<void> {
    return this.#stopped ?? Promise.resolve();
  }

  /** Resolves once `synced`. Rejects with the signal's reason when that aborts first: nothing may be decided then. */
  whenSynced(signal: AbortSignal): Promise<void> {
    if (this.#isSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#synced.promise.then(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, reject);
    });
  }

  #apply(effect: WatchEffect<T>): void {
    switch (effect.type) {
      case 'upsert':
        this.#upsert(effect.object);
        break;
      case 'delete':
        this.#delete(objectKey(effect.object));
        break;
      case 'retain':
        for (const key of this.#store.keys()) if (!effect.keys.has(key)) this.#delete(key);
        this.#isSynced = true;
        this.#synced.resolve();
        break;
      default:
        unreachable(effect);
    }
  }

  #upsert(object: T): void {
    const previous = this.#store.get(object.metadata);
    if (previous !== undefined && sameVersion(previous, object)) return;
    const slim = this.#options.slim ?? ((whole) => whole);
    const current = frozen(slim(withoutBookkeeping(object)));
    this.#store.set(current);
    this.#tell({ previous, current });
  }

  #delete(key: string): void {
    const previous = this.#store.byKey(key);
    if (previous === undefined) return;
    this.#store.delete(key);
    this.#tell({ previous, current: undefined });
  }

  #tell(change: Change<T>): void {
    const failures: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        failures.push(error);
      }
    }
    // The change is kept already and is not told again: one listener's mistake must not cost the others their wake-up.
    if (failures.length > 0) throw failures[0];
  }
}

function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops managedFields (a PUT without them leaves the server's alone), and kubectl's copy of the object, except on
 * objects that have a controller or were written by us: a PUT of those must keep it.
 */
function withoutBookkeeping<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as ObjectMeta & { managedFields?: unknown };
  const owned = metadata.ownerReferences?.some((reference) => reference.controller === true);
  if (metadata.annotations?.[lastApplied] === undefined || owned || metadata.annotations[annotations.written]) {
    return { ...object, metadata };
  }
  const { [lastApplied]: __, ...rest } = metadata.annotations;
  return { ...object, metadata: { ...metadata, annotations: rest } };
}
