import type { KubeObject } from './object.ts';

/** The object in whose name we write; becomes the controller reference of what it owns. */
export interface Owner {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

/** The `Owner` that a cached object is. */
export function ownerOf(object: KubeObject): Owner {
  const { name, uid } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, uid: uid ?? '' };
}

/**
 * Whose an object of our name is (contract 1):
 * - *ours*: its controller is `owner`, by UID;
 * - *adoptable*: it has all of `label`, and no controller, or one of the owner's kind and name (it was made anew meanwhile);
 * - *foreign*: anything else. It is left untouched, and reported by the caller.
 */
export function ownership(
  object: KubeObject,
  owner: Owner,
  label: Readonly<Record<string, string>>,
): 'ours' | 'adoptable' | 'foreign' {
  const controller = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (controller !== undefined && controller.uid === owner.uid) return 'ours';
  const labelled = Object.entries(label).every(([key, value]) => object.metadata.labels?.[key] === value);
  if (!labelled) return 'foreign';
  return controller === undefined || isNamesake(controller, owner) ? 'adoptable' : 'foreign';
}

/** Same group, kind and name; the version of the API may differ. */
export function isNamesake(a: Omit<Owner, 'uid'>, b: Omit<Owner, 'uid'>): boolean {
  return a.kind === b.kind && a.name === b.name && groupOf(a.apiVersion) === groupOf(b.apiVersion);
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
