import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import type { Cache, Change } from '../../../shared/kube/cache.ts';
import { type Controller, startController, watching } from '../../../shared/kube/controller.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { clusterFingerprint } from '../../fleet/cluster.ts';
import { clusterKey } from '../keys.ts';
import { type OrphanModuleParts, orphanModuleReconcile } from './module-controller.ts';
import { deletionPolicyOf, waitsForWorks } from './policy.ts';
import { orphanWorkReconcile } from './work-controller.ts';

interface OrphanCaches {
  modules: Cache<ManagedClusterModule>;
  clusters: Cache<ManagedCluster>;
  works: Cache<ManifestWork>;
}

/** What keys are computed from. */
type Known = { [Name in 'modules' | 'works']: Pick<OrphanCaches[Name], 'get' | 'byIndex'> };

/** Starts what keeps Modules on the clusters when a ManagedClusterModule with `deletionPolicy: Orphan` goes (contract 6). */
export function startOrphan(
  caches: OrphanCaches,
  parts: OrphanModuleParts & { writeConcurrency: number },
  of: { runtime: Runtime; signal: AbortSignal },
): { stopped: Promise<unknown> } {
  const module: Controller = {
    name: 'managed-cluster-module-orphan',
    sources: [
      watching(caches.modules, ({ previous, current }) => [(current ?? previous)?.metadata.name ?? '']),
      watching(caches.works, (change) => modulesOfWork(caches, change)),
      watching(caches.clusters, (change) => modulesOfCluster(caches, change)),
    ],
    reconcile: orphanModuleReconcile(parts),
  };
  const work: Controller = {
    name: 'managed-cluster-module-orphan-work',
    concurrency: parts.writeConcurrency,
    sources: [
      watching(caches.modules, (change) => worksOfModule(caches, change)),
      watching(caches.works, (change) => worksOfWork(caches, change)),
      { whenSynced: (signal) => caches.clusters.whenSynced(signal), attach: () => undefined },
    ],
    reconcile: orphanWorkReconcile(parts),
  };
  const running = [module, work].map((controller) => startController(controller, of.runtime, of.signal));
  return { stopped: Promise.all(running.map(({ stopped }) => stopped)) };
}

/** All of its works when what it says of them changed, or is read for the first time; else none. */
export function worksOfModule(known: Known, { previous, current }: Change<ManagedClusterModule>): string[] {
  if (current === undefined) return [];
  const state = JSON.stringify(deletionPolicyOf(current));
  if (!concernsWorks(current) || (previous && JSON.stringify(deletionPolicyOf(previous)) === state)) return [];
  const { name } = current.metadata;
  return known.works.byIndex('module', name).map(({ metadata }) => clusterKey(name, metadata.namespace ?? ''));
}

export function worksOfWork(known: Known, { current }: Change<ManifestWork>): string[] {
  if (current === undefined) return [];
  const { name, namespace = '' } = current.metadata;
  const module = known.modules.get({ name });
  const isOpen =
    module === undefined ? current.spec.deleteOption?.propagationPolicy === 'Orphan' : concernsWorks(module);
  return isOpen ? [clusterKey(name, namespace)] : [];
}

/** The ManagedClusterModule that may be waiting for this one. */
export function modulesOfWork(known: Known, { previous, current }: Change<ManifestWork>): string[] {
  const name = (current ?? previous)?.metadata.name ?? '';
  const module = known.modules.get({ name });
  return module !== undefined && waitsForWorks(deletionPolicyOf(module)) ? [name] : [];
}

export function modulesOfCluster(known: Known, { previous, current }: Change<ManagedCluster>): string[] {
  if (previous && current && clusterFingerprint(previous) === clusterFingerprint(current)) return [];
  const cluster = (current ?? previous)?.metadata.name ?? '';
  return known.works
    .byIndex('cluster', cluster)
    .flatMap((work) => modulesOfWork(known, { previous: work, current: work }));
}

function concernsWorks(module: ManagedClusterModule): boolean {
  const { policy, held, leaving } = deletionPolicyOf(module);
  return held || (policy === 'Orphan' && leaving);
}
