import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import type { CacheView } from '../../shared/kube/cache.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { labels } from '../../shared/kube/names.ts';
import { controllerReference } from '../../shared/kube/write.ts';
import { MakingEvents } from '../../shared/making/making-events.ts';
import { MakingMeters } from '../../shared/making/making-meters.ts';
import { type MakingOptions, startableMaking } from '../../shared/making/start.ts';
import { tokenOwner } from '../managed-cluster-module/demand.ts';
import type { ModuleViews } from '../managed-cluster-module/module-view.ts';
import { type SigningKeySources, SigningKeys } from './signing-keys.ts';

export type HubImagesOptions = Omit<MakingOptions, 'makerLabel' | 'makerOf' | 'signerWith' | 'told'> & {
  modules: Pick<CacheView<ManagedClusterModule>, 'get' | 'list'>;
  /** Versions, and the works that name them: their keys stay keys. */
  shipped: Pick<SigningKeySources, 'revisions' | 'works'>;
  moduleViews: ModuleViews;
  events: Pick<EventRecorder, 'record'>;
};

/** The fleet's images, made in the operator's namespace in the name of the ManagedClusterModules that want them. */
export function hubImages(options: HubImagesOptions) {
  const { modules, shipped, moduleViews, events, ...rest } = options;
  const signingKeys = new SigningKeys({ modules, ...shipped });
  return startableMaking({
    ...rest,
    makerLabel: labels.managedClusterModule,
    signerWith: (secret) => signingKeys.signerWith(secret),
    makerOf(token) {
      const { module: name, revision } = tokenOwner(token);
      const object = modules.get({ name });
      const view = object && moduleViews.of(object);
      if (view === undefined || view.leaving) return undefined;
      const owner = controllerReference(view.owner);
      return { name, label: labels.managedClusterModule, owner, isCurrent: view.wanted?.revision === revision };
    },
    told: new MakingEvents({
      events,
      meters: new MakingMeters(options.runtime.meters),
      regarding: (token) => modules.get({ name: tokenOwner(token).module }),
    }),
  });
}
