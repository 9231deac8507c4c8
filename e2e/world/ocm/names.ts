/** Whom the API servers see. */
export const ocmUsers = {
  hubController: 'system:serviceaccount:open-cluster-management-hub:registration-controller-sa',
  /** Both agents of the cluster, on the hub. */
  agent: (cluster: string) => `system:open-cluster-management:${cluster}`,
  registrationAgent: 'system:serviceaccount:open-cluster-management-agent:klusterlet-registration-sa',
  workAgent: 'system:serviceaccount:open-cluster-management-agent:klusterlet-work-sa',
} as const;

/** Names that OCM's agents use on hub and spoke. */
export const ocmNames = {
  workFinalizer: 'cluster.open-cluster-management.io/manifest-work-cleanup',
  appliedWorkFinalizer: 'cluster.open-cluster-management.io/applied-manifest-work-cleanup',
  /** In the cluster's namespace on the hub. */
  clusterLease: 'managed-cluster-lease',
} as const;
