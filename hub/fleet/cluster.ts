import type { ManagedCluster } from '@open-cluster-management/api-types';
import { type Claim, type KernelInventory, kernelClaimNames, parseKernelClaims } from '../../shared/kernel/claims.ts';

/** What the hub reads of a ManagedCluster; nothing else of it can change a decision. */
export interface ClusterView {
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Available is True. Unreachable clusters get no new work or state, and block nobody (contract 5). */
  reachable: boolean;
  /** Since when it is as `reachable` says; undefined where OCM does not say. */
  reachableChangedMs: number | undefined;
  /** Being detached: OCM takes its works away, the hub leaves them alone. */
  leaving: boolean;
  inventory: KernelInventory;
}

const availableCondition = 'ManagedClusterConditionAvailable';

const views = new WeakMap<ManagedCluster, ClusterView>();

/** Of a cached object, which is frozen, once for all looks at it. */
export function viewCluster(cluster: ManagedCluster): ClusterView {
  const known = views.get(cluster);
  if (known !== undefined) return known;
  const view = viewOf(cluster);
  if (Object.isFrozen(cluster)) views.set(cluster, view);
  return view;
}

function viewOf(cluster: ManagedCluster): ClusterView {
  return {
    name: cluster.metadata.name,
    labels: cluster.metadata.labels ?? {},
    reachable: isAvailable(cluster),
    reachableChangedMs: changedMs(cluster),
    leaving: cluster.metadata.deletionTimestamp !== undefined,
    inventory: parseKernelClaims(kernelClaims(cluster)),
  };
}

/** Whether OCM says that the cluster can be reached. */
export function isAvailable(cluster: ManagedCluster): boolean {
  const conditions = cluster.status?.conditions ?? [];
  return conditions.find((condition) => condition.type === availableCondition)?.status === 'True';
}

function changedMs({ status }: ManagedCluster): number | undefined {
  const known = (status?.conditions ?? []).find(({ type }) => type === availableCondition)?.lastTransitionTime;
  const timeMs = Date.parse(known ?? '');
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** What is kept of a ManagedCluster: the fields that `viewCluster` and `clusterFingerprint` read. The hub writes none. */
export function slimCluster(cluster: ManagedCluster): ManagedCluster {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = cluster.metadata;
  const conditions = (cluster.status?.conditions ?? []).filter(({ type }) => type === availableCondition);
  return {
    apiVersion: cluster.apiVersion,
    kind: cluster.kind,
    metadata: {
      name,
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(labels !== undefined && { labels }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    },
    status: { conditions, clusterClaims: kernelClaims(cluster) },
  };
}

/** Equal texts = no decision about this cluster can differ: its lease, capacity and other claims wake nobody. */
export function clusterFingerprint(cluster: ManagedCluster): string {
  const { metadata } = cluster;
  const leaving = metadata.deletionTimestamp !== undefined;
  return JSON.stringify([metadata.uid, metadata.labels, leaving, isAvailable(cluster), kernelClaims(cluster)]);
}

function kernelClaims({ status }: ManagedCluster): Claim[] {
  return (status?.clusterClaims ?? []).flatMap(({ name, value }) =>
    name !== undefined && value !== undefined && kernelClaimNames.includes(name) ? [{ name, value }] : [],
  );
}
