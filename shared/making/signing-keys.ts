import type { ModuleLoaderContainer } from '@open-cluster-management/api-types';

const none: ReadonlySet<string> = new Set();

/** The Secrets whose keys a container's image is signed with, by name; those of one object are read once. */
export class SigningKeyNames {
  readonly #names = new WeakMap<ModuleLoaderContainer, ReadonlySet<string>>();

  of(container: ModuleLoaderContainer | undefined): ReadonlySet<string> {
    if (container === undefined) return none;
    const known = this.#names.get(container);
    if (known !== undefined) return known;
    const signs = [container.sign, ...(container.kernelMappings ?? []).map(({ sign }) => sign)];
    const names = new Set(signs.flatMap((sign) => sign?.keySecret?.name ?? []));
    this.#names.set(container, names);
    return names;
  }
}
