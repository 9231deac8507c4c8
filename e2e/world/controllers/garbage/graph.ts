import type { KubeObject, OwnerReference } from '../../../../shared/kube/object.ts';
import type { AnyResource } from '../kinds.ts';

export interface Vertex {
  resource: AnyResource;
  /** Metadata only. */
  object: KubeObject;
}

/** Who owns whom, by uid, over every kind that is watched. */
export class Graph {
  readonly #vertices = new Map<string, Vertex>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Vertex | undefined {
    return this.#vertices.get(uid);
  }

  dependentsOf(uid: string): Vertex[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#vertices.get(dependent) ?? []);
  }

  /** Gives the uids that have to be looked at because of the change. */
  put(resource: AnyResource, object: KubeObject): string[] {
    const uid = object.metadata.uid ?? '';
    const before = ownerUids(this.#vertices.get(uid)?.object);
    const owners = ownerUids(object);
    for (const owner of before) if (!owners.includes(owner)) this.#unlink(owner, uid);
    for (const owner of owners) this.#dependents.set(owner, (this.#dependents.get(owner) ?? new Set()).add(uid));
    this.#vertices.set(uid, { resource, object });
    // Owners wait for dependents to let go of them; dependents for what an owner's deletion means for them.
    return [uid, ...before, ...(object.metadata.deletionTimestamp === undefined ? [] : this.#uidsBelow(uid))];
  }

  delete(object: KubeObject): string[] {
    const uid = object.metadata.uid ?? '';
    const owners = ownerUids(this.#vertices.get(uid)?.object);
    for (const owner of owners) this.#unlink(owner, uid);
    this.#vertices.delete(uid);
    return [...owners, ...this.#uidsBelow(uid)];
  }

  #uidsBelow(uid: string): string[] {
    return [...(this.#dependents.get(uid) ?? [])];
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(dependent);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }
}

export function ownersOf(object: KubeObject | undefined): readonly OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}

function ownerUids(object: KubeObject | undefined): string[] {
  return ownersOf(object).map((owner) => owner.uid);
}
