import type { Module } from '@open-cluster-management/api-types';
import { SigningKeyNames } from '../../shared/making/signing-keys.ts';

/**
 * Names of Secrets that any Module of a namespace signs with, labelled or not: no Module may have one of them mounted in its
 * build, where any RUN line could read it.
 */
export class SigningKeys {
  readonly #modules: () => readonly Module[];
  readonly #names = new SigningKeyNames();

  constructor(modules: () => readonly Module[]) {
    this.#modules = modules;
  }

  /** The first Module that does; undefined: none. */
  signerWith(secret: string): string | undefined {
    const signs = ({ spec }: Module) => this.#names.of(spec.moduleLoader?.container).has(secret);
    return this.#modules().find(signs)?.metadata.name;
  }
}
