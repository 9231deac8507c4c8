import type { ManagedClusterModule, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import type { CacheView } from '../../shared/kube/cache.ts';
import { labels } from '../../shared/kube/names.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { moduleSpecOf } from '../managed-cluster-module/revisions.ts';

export interface SigningKeySources {
  modules: Pick<CacheView<ManagedClusterModule>, 'list'>;
  revisions: Pick<CacheView<ControllerRevision>, 'list'>;
  works: Pick<CacheView<ManifestWork>, 'byIndex'>;
}

/**
 * Names of Secrets that any module signs with, labelled or not: no module may have one of them mounted in its build, where
 * any RUN line could read it. Versions count that a cluster still has: its new kernels are signed with their key.
 * Cost: one pass over modules and versions, whose names are read once each.
 */
export class SigningKeys {
  readonly #sources: SigningKeySources;
  readonly #names = new WeakMap<object, ReadonlySet<string>>();

  constructor(sources: SigningKeySources) {
    this.#sources = sources;
  }

  has(name: string): boolean {
    const { modules, revisions } = this.#sources;
    return (
      modules.list().some((module) => this.#of(module, module.spec?.moduleSpec).has(name)) ||
      revisions
        .list()
        .some((revision) => this.#of(revision, moduleSpecOf(revision)).has(name) && this.#isUsed(revision))
    );
  }

  #isUsed({ metadata }: ControllerRevision): boolean {
    const module = metadata.labels?.[labels.managedClusterModule];
    return this.#sources.works.byIndex('revision', `${module}/${metadata.name}`).length > 0;
  }

  #of(object: object, moduleSpec: ModuleSpec | undefined): ReadonlySet<string> {
    const known = this.#names.get(object);
    if (known !== undefined) return known;
    const container = moduleSpec?.moduleLoader?.container;
    const signs = [container?.sign, ...(container?.kernelMappings ?? []).map(({ sign }) => sign)];
    const names = new Set(signs.flatMap((sign) => sign?.keySecret?.name ?? []));
    this.#names.set(object, names);
    return names;
  }
}
