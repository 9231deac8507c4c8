import type { ClusterClaim } from './cluster-claim.ts';
import type { ManagedCluster } from './managed-cluster.ts';
import type { ManagedClusterModule } from './managed-cluster-module.ts';
import type { AppliedManifestWork, ManifestWork } from './manifest-work.ts';
import type { Module } from './module.ts';

/** Structurally the `Resource<T>` of shared/kube, which this package does not know. */
interface Kind<T> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: carries `T` for inference. */
  readonly __object?: T;
}

export const modules: Kind<Module> = {
  group: 'kmm.sigs.x-k8s.io',
  version: 'v1beta1',
  kind: 'Module',
  plural: 'modules',
  namespaced: true,
};
export const managedClusterModules: Kind<ManagedClusterModule> = {
  group: 'hub.kmm.sigs.x-k8s.io',
  version: 'v1beta1',
  kind: 'ManagedClusterModule',
  plural: 'managedclustermodules',
  namespaced: false,
};
export const managedClusters: Kind<ManagedCluster> = {
  group: 'cluster.open-cluster-management.io',
  version: 'v1',
  kind: 'ManagedCluster',
  plural: 'managedclusters',
  namespaced: false,
};
export const clusterClaims: Kind<ClusterClaim> = {
  group: 'cluster.open-cluster-management.io',
  version: 'v1alpha1',
  kind: 'ClusterClaim',
  plural: 'clusterclaims',
  namespaced: false,
};
export const manifestWorks: Kind<ManifestWork> = {
  group: 'work.open-cluster-management.io',
  version: 'v1',
  kind: 'ManifestWork',
  plural: 'manifestworks',
  namespaced: true,
};
export const appliedManifestWorks: Kind<AppliedManifestWork> = {
  group: 'work.open-cluster-management.io',
  version: 'v1',
  kind: 'AppliedManifestWork',
  plural: 'appliedmanifestworks',
  namespaced: false,
};
