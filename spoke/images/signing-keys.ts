import type { Module } from '@open-cluster-management/api-types';

/**
 * Names of Secrets that any Module of a namespace signs with, labelled or not: no Module may have one of them mounted in its
 * build, where any RUN line could read it. Each Module's names are read once.
 */
export class SigningKeys {
  readonly #modules: () => readonly Module[];
  readonly #names = new WeakMap<Module, ReadonlySet<string>>();

  constructor(modules: () => readonly Module[]) {
    this.#modules = modules;
  }

  has(name: string): boolean {
    return this.#modules().some((module) => this.#of(module).has(name));
  }

  #of(module: Module): ReadonlySet<string> {
    const known = this.#names.get(module);
    if (known !== undefined) return known;
    const container = module.spec.moduleLoader?.container;
    const signs = [container?.sign, ...(container?.kernelMappings ?? []).map(({ sign }) => sign)];
    const names = new Set(signs.flatMap((sign) => sign?.keySecret.name ?? []));
    this.#names.set(module, names);
    return names;
  }
}
