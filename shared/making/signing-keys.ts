import type { ModuleLoaderContainer } from '@open-cluster-management/api-types';

/**
 * Names of Secrets that any module signs with, labelled or not: no module may have one of them mounted in its build, where
 * any RUN line could read it. Cost: one pass over the modules, whose names are read once each.
 */
export class SigningKeys<T extends object> {
  readonly #modules: { list(): readonly T[] };
  readonly #containerOf: (module: T) => ModuleLoaderContainer | undefined;
  readonly #names = new WeakMap<T, ReadonlySet<string>>();

  constructor(modules: { list(): readonly T[] }, containerOf: (module: T) => ModuleLoaderContainer | undefined) {
    this.#modules = modules;
    this.#containerOf = containerOf;
  }

  has(name: string): boolean {
    return this.#modules.list().some((module) => this.#of(module).has(name));
  }

  #of(module: T): ReadonlySet<string> {
    const known = this.#names.get(module);
    if (known !== undefined) return known;
    const container = this.#containerOf(module);
    const signs = [container?.sign, ...(container?.kernelMappings ?? []).map(({ sign }) => sign)];
    const names = new Set(signs.flatMap((sign) => sign?.keySecret?.name ?? []));
    this.#names.set(module, names);
    return names;
  }
}
