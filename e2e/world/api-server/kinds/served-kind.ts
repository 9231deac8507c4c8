import type { Cause } from '../failures.ts';
import type { ApiObject } from '../object.ts';
import type { Schema } from '../schema/schema.ts';
import type { Column } from '../tables/column.ts';

/**
 * What is particular to a kind in the write path. All functions get objects that are not stored yet and may change
 * `next` in place; `previous` is the stored object and must stay as it is.
 */
export interface Strategy {
  /** Server-side defaults; run on create and on every update, before validation. */
  applyDefaults?(next: ApiObject): void;
  /** What a create resets, such as a status that only the status subresource may set. */
  prepareCreate?(next: ApiObject): void;
  prepareUpdate?(next: ApiObject, previous: ApiObject): void;
  validate?(next: ApiObject, previous: ApiObject | undefined): readonly Cause[];
  /** Drops unknown fields; gives their paths, for `fieldValidation`. */
  prune?(next: ApiObject): readonly string[];
  /** The part whose change raises `metadata.generation`; absent: the kind has no generation. */
  generationPart?(object: ApiObject): unknown;
  /** Seconds that a delete waits by default; absent: the kind is deleted at once. */
  gracePeriodSeconds?(object: ApiObject, asked: number | undefined): number;
  /** A PUT without resourceVersion is accepted. */
  unconditionalUpdate?: boolean;
  /** batch/v1 Jobs: a delete that names no policy orphans. */
  orphansByDefault?: boolean;
  /** A status write leaves labels and annotations alone (custom resources). */
  statusKeepsMetadata?: boolean;
}

/** How a version looks whose members are named otherwise than those of the stored objects. */
export interface KindView {
  fromStored(object: ApiObject): ApiObject;
  toStored(object: ApiObject): ApiObject;
}

/** One kind in one served version. Several versions share a collection. */
export interface ServedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  /** Built-in kinds: list items carry no apiVersion and kind, as in Kubernetes. */
  readonly builtIn: boolean;
  /** Field selectors beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** Key of the collection that the objects are kept in: `group/plural`. */
  readonly collection: string;
  readonly strategy: Strategy;
  /** Absent: objects are stored as this version shows them. */
  readonly view?: KindView;
  /** What `kubectl get` shows. */
  readonly columns: readonly Column[];
  /** What `kubectl explain` shows; built-in kinds are read and pruned by it, too. */
  readonly schema: Schema;
}

export function groupVersion(kind: Pick<ServedKind, 'group' | 'version'>): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
