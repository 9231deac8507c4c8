/** Names that OCM's agents use on hub and spoke. */
export const ocmNames = {
  workFinalizer: 'cluster.open-cluster-management.io/manifest-work-cleanup',
  appliedWorkFinalizer: 'cluster.open-cluster-management.io/applied-manifest-work-cleanup',
  /** In the cluster's namespace on the hub. */
  clusterLease: 'managed-cluster-lease',
} as const;
