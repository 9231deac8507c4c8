import { type ManagedCluster, managedClusters } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../../shared/core/clock.ts';
import { type ConditionState, withConditions } from '../../../shared/core/conditions.ts';
import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { leases, namespaces } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import { isLeaseStale, leaseDurationSeconds } from './cluster-lease.ts';
import { ocmNames } from './names.ts';

export interface HubRegistrationOptions {
  hubClient: KubeClient;
  runtime: Runtime;
  signal: AbortSignal;
}

/**
 * The hub's side of Open Cluster Management's registration: an accepted ManagedCluster gets its namespace, and one whose
 * lease is no longer renewed is called unknown.
 */
export function startHubRegistration({ hubClient, runtime, signal }: HubRegistrationOptions): {
  stopped: Promise<void>;
} {
  const clusters = new Cache({ client: hubClient, runtime, resource: managedClusters });
  const controller = {
    name: 'hub-registration',
    sources: [watching(clusters, ({ current }) => (current === undefined ? [] : [current.metadata.name]))],
    reconcile: (name: string) => admit(hubClient, runtime, name),
  };
  clusters.start(signal);
  const { stopped } = startController(controller, runtime, signal);
  return { stopped: Promise.all([stopped, clusters.stopped]).then(() => undefined) };
}

async function admit(client: KubeClient, runtime: Runtime, name: string): Promise<Outcome> {
  const cluster = await client.get(managedClusters, { name });
  if (!cluster?.spec?.hubAcceptsClient || cluster.metadata.deletionTimestamp !== undefined) return done;
  await ensureNamespace(client, name);
  const lease = await client.get(leases, { namespace: name, name: ocmNames.clusterLease });
  const nowMs = runtime.clock.now();
  const wanted = [accepted, ...(isLeaseStale(cluster, lease, nowMs) ? [unknown] : [])];
  await writeConditions(client, cluster, wanted, rfc3339(nowMs));
  return after(leaseDurationSeconds(cluster) * 1000, 'the lease is looked at');
}

const accepted: ConditionState = {
  type: 'HubAcceptedManagedCluster',
  status: 'True',
  reason: 'HubClusterAdminAccepted',
  message: 'Accepted by hub cluster admin',
};
const unknown: ConditionState = {
  type: 'ManagedClusterConditionAvailable',
  status: 'Unknown',
  reason: 'ManagedClusterLeaseUpdateStopped',
  message: 'Registration agent stopped updating its lease.',
};

async function writeConditions(
  client: KubeClient,
  cluster: ManagedCluster,
  wanted: readonly ConditionState[],
  nowText: string,
): Promise<void> {
  const present = cluster.status?.conditions ?? [];
  const changed = wanted.some(
    (state) => !present.some((one) => one.type === state.type && one.status === state.status),
  );
  if (!changed) return;
  const conditions = withConditions(present, wanted, nowText);
  await writeStatus(client, managedClusters, cluster, { ...cluster.status, conditions });
}

async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  if ((await client.get(namespaces, { name })) !== undefined) return;
  const labels = { 'open-cluster-management.io/cluster-name': name };
  await createUnlessThere(client, namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}
