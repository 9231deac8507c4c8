import type { ApiObject } from '../object.ts';
import { builtInKinds } from './built-in.ts';
import { customKinds } from './custom.ts';
import { groupVersion, type ServedKind } from './served-kind.ts';

/** Every kind that is served now: the built-in ones, and those of the CustomResourceDefinitions as they come and go. */
export class Catalog {
  readonly #kinds = new Map<string, ServedKind>();

  constructor() {
    for (const kind of builtInKinds()) this.#kinds.set(keyOf(groupVersion(kind), kind.plural), kind);
  }

  /** `version` is `v1` or `apps/v1`. */
  find(version: string, plural: string): ServedKind | undefined {
    return this.#kinds.get(keyOf(version, plural));
  }

  list(): readonly ServedKind[] {
    return [...this.#kinds.values()];
  }

  get namespaces(): ServedKind {
    return this.#kinds.get(keyOf('v1', 'namespaces'))!;
  }

  get definitions(): ServedKind {
    return this.#kinds.get(keyOf('apiextensions.k8s.io/v1', 'customresourcedefinitions'))!;
  }

  /** Serves what `definition` says, in place of what it said before. */
  define(definition: ApiObject): void {
    const kinds = customKinds(definition);
    this.#forget(definition.metadata.name);
    for (const kind of kinds) this.#kinds.set(keyOf(groupVersion(kind), kind.plural), kind);
  }

  /** `name` is `plural.group`. */
  undefine(name: string): void {
    this.#forget(name);
  }

  #forget(name: string): void {
    for (const [key, kind] of this.#kinds) {
      if (!kind.builtIn && `${kind.plural}.${kind.group}` === name) this.#kinds.delete(key);
    }
  }
}

function keyOf(version: string, plural: string): string {
  return `${version}/${plural}`;
}
