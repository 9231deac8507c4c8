import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import type { Cache, Change } from '../shared/kube/cache.ts';
import { type Controller, type Source, watching } from '../shared/kube/controller.ts';
import { labels } from '../shared/kube/names.ts';
import type { ControllerRevision } from '../shared/kube/object.ts';
import { clusterFingerprint } from './fleet/cluster.ts';
import { labelIndexes, selectorIndex, selects } from './fleet/selection.ts';
import { type ClusterParts, clusterReconcile } from './managed-cluster-module/cluster-controller.ts';
import { clusterKey } from './managed-cluster-module/keys.ts';
import { type ModuleParts, moduleReconcile } from './managed-cluster-module/module-controller.ts';
import { type RolloutParts, rolloutReconcile } from './managed-cluster-module/rollout/rollout-controller.ts';
import { type StatusParts, statusReconcile } from './managed-cluster-module/status-controller.ts';
import { workRevision } from './managed-cluster-module/work.ts';

export interface Caches {
  modules: Cache<ManagedClusterModule>;
  clusters: Cache<ManagedCluster>;
  works: Cache<ManifestWork>;
  revisions: Cache<ControllerRevision>;
}

/** Under which values objects are found; every question that a single cluster asks is answered by one of these. */
export const indexes = {
  modules: { selector: (module: ManagedClusterModule) => [selectorIndex(module.spec?.selector)] },
  works: {
    module: (work: ManifestWork) => [work.metadata.name],
    cluster: (work: ManifestWork) => [work.metadata.namespace ?? ''],
    revision: (work: ManifestWork) => [workRevision(work)].filter((value) => value !== undefined),
  },
  revisions: { module: (object: ControllerRevision) => [object.metadata.labels?.[labels.managedClusterModule] ?? ''] },
};

/** The hub's controllers: a ManagedClusterModule as a whole, each of its clusters, whose turn it is, and its status. */
export function hubControllers(
  caches: Caches,
  parts: ModuleParts & ClusterParts & StatusParts & RolloutParts & { writeConcurrency: number },
): Record<'module' | 'cluster' | 'rollout' | 'status', Controller> {
  return {
    module: {
      name: 'managed-cluster-module',
      sources: [
        watching(caches.modules, ownKey),
        watching(caches.revisions, modulesOfRevision),
        ...synced(caches.clusters, caches.works),
      ],
      reconcile: moduleReconcile(parts),
    },
    cluster: {
      name: 'managed-cluster-module-cluster',
      concurrency: parts.writeConcurrency,
      sources: [
        // One cluster's new kernel does not wait until a rollout has written all works.
        watching(caches.clusters, (change) => keysOfCluster(caches, change), { ahead: true }),
        // Nor does its second try, when the first met a work that the watch had not shown yet.
        watching(caches.works, (change) => keysOfWork(caches, change), { ahead: true }),
        ...synced(caches.modules, caches.revisions),
      ],
      reconcile: clusterReconcile(parts),
    },
    rollout: {
      name: 'managed-cluster-module-rollout',
      sources: [watching(caches.modules, ownKey), ...synced(caches.clusters, caches.works, caches.revisions)],
      reconcile: rolloutReconcile(parts),
    },
    status: {
      name: 'managed-cluster-module-status',
      sources: [watching(caches.modules, ownKey)],
      reconcile: statusReconcile(parts),
    },
  };
}

/** Waited for, but it wakes nobody by itself. */
function synced(...caches: { whenSynced(signal: AbortSignal): Promise<void> }[]): Source[] {
  return caches.map((cache) => ({ whenSynced: (signal) => cache.whenSynced(signal), attach: () => undefined }));
}

function ownKey({ previous, current }: Change<ManagedClusterModule>): string[] {
  return [(current ?? previous)?.metadata.name ?? ''];
}

function modulesOfRevision({ previous, current }: Change<ControllerRevision>): Set<string> {
  return new Set(
    [previous, current].flatMap((object) => (object === undefined ? [] : indexes.revisions.module(object))),
  );
}

/** The modules that select the cluster, selected it before, or have a work there; none when nothing of interest changed. */
export function keysOfCluster(
  caches: Pick<Caches, 'modules' | 'works'>,
  { previous, current }: Change<ManagedCluster>,
): Set<string> {
  if (previous && current && clusterFingerprint(previous) === clusterFingerprint(current)) return new Set();
  const name = (current ?? previous)?.metadata.name ?? '';
  const modules = new Set(caches.works.byIndex('cluster', name).map(({ metadata }) => metadata.name));
  for (const state of [previous, current]) {
    if (state === undefined) continue;
    for (const value of labelIndexes(state.metadata.labels)) {
      for (const module of caches.modules.byIndex('selector', value)) {
        if (selects(module.spec?.selector ?? {}, state.metadata.labels)) modules.add(module.metadata.name);
      }
    }
  }
  return new Set([...modules].map((module) => clusterKey(module, name)));
}

/** A work is its namesake's business, whoever made it; without one it is nobody's. */
export function keysOfWork(caches: Pick<Caches, 'modules'>, { previous, current }: Change<ManifestWork>): string[] {
  const metadata = (current ?? previous)?.metadata;
  if (metadata?.namespace === undefined || caches.modules.get({ name: metadata.name }) === undefined) return [];
  return [clusterKey(metadata.name, metadata.namespace)];
}
