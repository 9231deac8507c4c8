import type { ManagedClusterModule } from '@open-cluster-management/api-types';

/**
 * Names of Secrets that any module signs with, labelled or not: no module may have one of them mounted in its build, where
 * any RUN line could read it. Cost: one pass over the modules, whose names are read once each.
 */
export class SigningKeys {
  readonly #modules: { list(): readonly ManagedClusterModule[] };
  readonly #names = new WeakMap<ManagedClusterModule, ReadonlySet<string>>();

  constructor(modules: { list(): readonly ManagedClusterModule[] }) {
    this.#modules = modules;
  }

  has(name: string): boolean {
    return this.#modules.list().some((module) => this.#of(module).has(name));
  }

  #of(module: ManagedClusterModule): ReadonlySet<string> {
    const known = this.#names.get(module);
    if (known !== undefined) return known;
    const container = module.spec?.moduleSpec?.moduleLoader?.container;
    const signs = [container?.sign, ...(container?.kernelMappings ?? []).map(({ sign }) => sign)];
    const names = new Set(signs.flatMap((sign) => sign?.keySecret?.name ?? []));
    this.#names.set(module, names);
    return names;
  }
}
