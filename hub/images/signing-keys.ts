import type { ManagedClusterModule, ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import type { CacheView } from '../../shared/kube/cache.ts';
import { labels } from '../../shared/kube/names.ts';
import type { ControllerRevision } from '../../shared/kube/object.ts';
import { SigningKeyNames } from '../../shared/making/signing-keys.ts';
import { moduleSpecOf } from '../managed-cluster-module/revisions.ts';

export interface SigningKeySources {
  modules: Pick<CacheView<ManagedClusterModule>, 'list'>;
  revisions: Pick<CacheView<ControllerRevision>, 'list'>;
  works: Pick<CacheView<ManifestWork>, 'byIndex'>;
}

/**
 * Names of Secrets that any module signs with, labelled or not: no module may have one of them mounted in its build, where
 * any RUN line could read it. Versions count that a cluster still has: its new kernels are signed with their key.
 * Cost: one pass over modules and versions.
 */
export class SigningKeys {
  readonly #sources: SigningKeySources;
  readonly #names = new SigningKeyNames();

  constructor(sources: SigningKeySources) {
    this.#sources = sources;
  }

  /** The first module that does, one whose present spec says so before others; undefined: none. */
  signerWith(secret: string): string | undefined {
    const { modules, revisions } = this.#sources;
    const signs = (spec: ModuleSpec | undefined) => this.#names.of(spec?.moduleLoader?.container).has(secret);
    const present = modules.list().find(({ spec }) => signs(spec?.moduleSpec));
    if (present !== undefined) return present.metadata.name;
    const used = revisions.list().find((revision) => signs(moduleSpecOf(revision)) && this.#isUsed(revision));
    return used && (used.metadata.labels?.[labels.managedClusterModule] ?? used.metadata.name);
  }

  #isUsed({ metadata }: ControllerRevision): boolean {
    const module = metadata.labels?.[labels.managedClusterModule];
    return this.#sources.works.byIndex('revision', `${module}/${metadata.name}`).length > 0;
  }
}
