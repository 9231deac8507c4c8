import type { WatchEvent } from './client.ts';
import { apiVersion, type KubeObject, type Resource } from './object.ts';

const inMetaGroup = 'g=meta.k8s.io;v=v1';

/** What to accept for objects without spec, data and status: the server leaves those out, and a Secret's data never travels. */
export const metadataTypes = {
  list: `application/json;as=PartialObjectMetadataList;${inMetaGroup}`,
  watch: `application/json;as=PartialObjectMetadata;${inMetaGroup}`,
} as const;

/** The object's metadata under its own kind: the server calls each of them a PartialObjectMetadata. */
export function metadataOf<T extends KubeObject>(resource: Resource<T>, { metadata }: KubeObject): T {
  return { apiVersion: apiVersion(resource), kind: resource.kind, metadata } as T;
}

/** An error event carries a Status, which stays what it is. */
export function metadataEvent<T extends KubeObject>(resource: Resource<T>, event: WatchEvent<T>): WatchEvent<T> {
  return event.type === 'ERROR' ? event : { ...event, object: metadataOf(resource, event.object) };
}
