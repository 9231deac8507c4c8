import type { Clock } from '../../../../shared/core/clock.ts';
import type { ResourceRequest } from '../http/request.ts';
import type { Catalog } from '../kinds/catalog.ts';
import type { Collection } from '../store/collection.ts';
import type { Store } from '../store/store.ts';
import type { Stored } from '../store/stored.ts';

/** What every operation works on. */
export interface ServerState {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/** A request whose body is read. */
export interface Call extends ResourceRequest {
  readonly body: unknown;
  readonly contentType: string;
  /** Collects `Warning` headers of the answer. */
  readonly warnings: string[];
}

/** What an operation answers: an object in the version asked for, or a body as it is. */
export type Answer =
  | { readonly code: number; readonly stored: Stored }
  | { readonly code: number; readonly text: string };

export function collectionOf(state: ServerState, call: Pick<ResourceRequest, 'kind'>): Collection {
  return state.store.collection(call.kind.collection);
}
