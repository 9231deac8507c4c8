import type { ManagedCluster } from '@open-cluster-management/api-types';
import type { Lease } from '../../../shared/kube/object.ts';
import { ocmNames } from './names.ts';

const leaseDurationSecondsDefault = 60;
/** The hub forgives so many missed renewals. */
const leaseDurationsMax = 5;

export function leaseDurationSeconds(cluster: ManagedCluster): number {
  return cluster.spec?.leaseDurationSeconds ?? leaseDurationSecondsDefault;
}

/** The lease by which a cluster shows the hub that it is there. */
export function renewedLease(cluster: ManagedCluster, present: Lease | undefined, nowMs: number): Lease {
  const { name } = cluster.metadata;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: present?.metadata ?? { name: ocmNames.clusterLease, namespace: name },
    spec: {
      ...present?.spec,
      holderIdentity: present?.spec?.holderIdentity ?? ocmNames.clusterLease,
      leaseDurationSeconds: leaseDurationSeconds(cluster),
      renewTime: new Date(nowMs).toISOString().replace('Z', '000Z'),
    },
  };
}

/** Whether the cluster has stopped renewing. A cluster that never did is not judged. */
export function isLeaseStale(cluster: ManagedCluster, lease: Lease | undefined, nowMs: number): boolean {
  const renewTime = lease?.spec?.renewTime;
  if (renewTime === undefined) return false;
  return nowMs > Date.parse(renewTime) + leaseDurationsMax * leaseDurationSeconds(cluster) * 1000;
}
