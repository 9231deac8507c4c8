import type { KubeObject, ObjectRef, Resource } from './object.ts';

/** One operation of RFC 6902. */
export type JsonPatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'remove'; path: string };

/** JSON patch (with a `test`) or merge patch: the two ways to write objects that we share (contract 1). */
export type Patch = { type: 'json'; operations: readonly JsonPatchOperation[] } | { type: 'merge'; body: unknown };

export interface ListOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Page size and the token of the next page. */
  limit?: number;
  continue?: string | undefined;
  resourceVersion?: string;
  /** Objects come as `{apiVersion, kind, metadata}`: what a Secret or ConfigMap holds is neither sent nor kept. */
  metadataOnly?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface List<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[];
}

export interface WatchOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion: string;
  /** The server ends the watch after so many seconds; the driver then starts the next one. */
  timeoutSeconds?: number;
  /** As in `ListOptions`. */
  metadataOnly?: boolean | undefined;
  signal: AbortSignal;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }
  | { type: 'ERROR'; object: { code?: number; reason?: string; message?: string } };

export interface DeleteOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface WriteOptions {
  /** `finalize` is for Namespaces only. */
  subresource?: 'status' | 'finalize';
  /** `unread`: nobody wants to know what the server made of the object; what was sent is given back. */
  answer?: 'unread';
  /** Instead of the object, where writes to it are compared: equal texts are equal writes. Short: it is kept for minutes. */
  saidAs?: string;
}

type WholeWriteOptions = Pick<WriteOptions, 'answer' | 'saidAs'>;

/**
 * The Kubernetes transport: the one seam between the programs and an API server. Every method throws `KubeError`
 * (`errors.ts`) for an answer that is no success and for a connection that failed; `get` gives `undefined` and `delete`
 * succeeds for an object that is not there.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, at: ObjectRef): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>>;
  /** Ends when the server or `signal` ends it; throws when the connection breaks. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WholeWriteOptions): Promise<T>;
  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    patch: Patch,
    options?: Pick<WriteOptions, 'subresource'>,
  ): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, at: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Plurals of the kinds that the API server has in a group's version; none where it does not know that. */
  served(group: string, version: string): Promise<readonly string[]>;
  /** Closes the connections; calls under way fail. */
  close(): Promise<void>;
}
