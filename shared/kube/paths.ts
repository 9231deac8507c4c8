import { assert } from '../core/assert.ts';
import type { KubeObject, ObjectRef, Resource } from './object.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** The path of all objects of a kind, in one namespace or in all. */
export function collectionPath(resource: Resource<KubeObject>, namespace?: string): string {
  const root = versionPath(resource);
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${resource.plural}`;
}

/** The path of the list of the kinds that there are in a group's version. */
export function versionPath({ group, version }: { group: string; version: string }): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The path of one object. */
export function objectPath(resource: Resource<KubeObject>, at: ObjectRef, subresource?: string): string {
  assert(!resource.namespaced || at.namespace, `${resource.kind} ${at.name} needs a namespace`);
  const path = `${collectionPath(resource, at.namespace)}/${encodeURIComponent(at.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `path` with the parameters that are set; empty text counts as not set. */
export function withQuery(path: string, query: Query): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (set.length === 0) return path;
  return `${path}?${new URLSearchParams(set.map(([key, value]) => [key, String(value)]))}`;
}
