import type { ApiObject } from '../object.ts';

/** One revision of one object. Immutable: watchers, pages and the history share it. */
export class Stored {
  readonly object: ApiObject;
  readonly revision: number;
  /** `namespace/name`, or `name`: the order of lists. */
  readonly key: string;
  #body: string | undefined;

  constructor(object: ApiObject, revision: number) {
    this.object = object;
    this.revision = revision;
    const { namespace, name } = object.metadata;
    this.key = namespace === undefined ? name : `${namespace}/${name}`;
  }

  /**
   * The object's JSON after apiVersion and kind, closing brace included. Made once for all lists and watchers: versions
   * of a kind differ in the head only, and list items of built-in kinds have none.
   */
  get body(): string {
    if (this.#body === undefined) {
      const { apiVersion: _, kind: __, ...rest } = this.object;
      this.#body = JSON.stringify(rest).slice(1);
    }
    return this.#body;
  }
}
