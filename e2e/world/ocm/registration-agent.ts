import { clusterClaims, managedClusters } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../../shared/core/clock.ts';
import { type ConditionState, withConditions } from '../../../shared/core/conditions.ts';
import { after, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { leases } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import { claimsForHub } from './cluster-claims.ts';
import { leaseDurationSeconds, renewedLease } from './cluster-lease.ts';
import { ocmNames } from './names.ts';

export interface RegistrationAgentOptions {
  hubClient: KubeClient;
  spokeClient: KubeClient;
  clusterName: string;
  runtime: Runtime;
  /** Ends the agent, as when its cluster is cut off: after five lease durations the hub calls the cluster unknown. */
  signal: AbortSignal;
  /** The cluster's status on the hub is put right again at least so often. */
  pollMs: number;
}

const joined: readonly ConditionState[] = [
  { type: 'ManagedClusterJoined', status: 'True', reason: 'ManagedClusterJoined', message: 'Managed cluster joined' },
  {
    type: 'ManagedClusterConditionAvailable',
    status: 'True',
    reason: 'ManagedClusterAvailable',
    message: 'Managed cluster is available',
  },
];

/**
 * Open Cluster Management's registration agent, as far as a hub can notice: copies ClusterClaims into the status of the
 * ManagedCluster, says that the cluster is there, and renews its lease. It waits until the hub has accepted the cluster.
 */
export function startRegistrationAgent(options: RegistrationAgentOptions): { stopped: Promise<void> } {
  const { spokeClient, clusterName, runtime, signal } = options;
  const claims = new Cache({ client: spokeClient, runtime, resource: clusterClaims });
  const controller = {
    name: `registration-agent-${clusterName}`,
    sources: [watching(claims, () => ['status'])],
    reconcile: (key: string) => (key === 'lease' ? renewLease(options) : writeCluster(options, claims)),
  };
  claims.start(signal);
  const running = startController(controller, runtime, signal);
  running.enqueue('status');
  running.enqueue('lease');
  return { stopped: Promise.all([running.stopped, claims.stopped]).then(() => undefined) };
}

async function writeCluster(
  { hubClient, clusterName, runtime, pollMs }: RegistrationAgentOptions,
  claims: Pick<Cache<Parameters<typeof claimsForHub>[0][number]>, 'list'>,
): Promise<Outcome> {
  const cluster = await hubClient.get(managedClusters, { name: clusterName });
  if (!cluster?.spec?.hubAcceptsClient) return after(pollMs, 'the hub has not accepted the cluster');
  const nowText = rfc3339(runtime.clock.now());
  const conditions = withConditions(cluster.status?.conditions ?? [], joined, nowText);
  const status = { ...cluster.status, conditions, clusterClaims: claimsForHub(claims.list()) };
  await writeStatus(hubClient, managedClusters, cluster, status);
  return after(pollMs, 'the status may be changed by others');
}

async function renewLease({ hubClient, clusterName, runtime, pollMs }: RegistrationAgentOptions): Promise<Outcome> {
  const cluster = await hubClient.get(managedClusters, { name: clusterName });
  if (!cluster?.spec?.hubAcceptsClient) return after(pollMs, 'the hub has not accepted the cluster');
  const at = { namespace: clusterName, name: ocmNames.clusterLease };
  const present = await hubClient.get(leases, at);
  const lease = renewedLease(cluster, present, runtime.clock.now());
  await (present === undefined ? hubClient.create(leases, lease) : hubClient.replace(leases, lease));
  return after(leaseDurationSeconds(cluster) * 1000, 'the lease is renewed');
}
