import assert from 'node:assert/strict';
import {
  type ClusterClaim,
  clusterClaims,
  type ManagedCluster,
  managedClusters,
} from '@open-cluster-management/api-types';
import { apiVersion } from '../../../shared/kube/object.ts';
import { leases, namespaces } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { claimsForHub } from './cluster-claims.ts';
import { startHubRegistration } from './hub-registration.ts';
import { type Stage, startStage } from './recorded/stage.ts';
import { startRegistrationAgent } from './registration-agent.ts';

const claim = (name: string, value = name): ClusterClaim => ({
  apiVersion: apiVersion(clusterClaims),
  kind: clusterClaims.kind,
  metadata: { name },
  spec: { value },
});

describe('claims on their way to the hub', () => {
  it('are the reserved ones, then the first 20 custom ones by name', () => {
    const custom = Array.from({ length: 25 }, (_, index) => `c${String(index).padStart(2, '0')}.example.com`);
    const names = claimsForHub(
      [...custom.toReversed(), 'product.open-cluster-management.io', 'id.k8s.io'].map((name) => claim(name)),
    );
    assert.deepEqual(
      names.map(({ name }) => name),
      ['id.k8s.io', 'product.open-cluster-management.io', ...custom.slice(0, 20)],
    );
  });
});

describe('the registration of a cluster', () => {
  const name = 'edge1';
  let stage: Stage;
  let running: { stopped: Promise<void> }[];
  let agentEnding: AbortController;

  beforeEach(async () => {
    stage = await startStage();
    const { hubClient, spokeClient, runtime, signal } = stage;
    agentEnding = new AbortController();
    running = [
      startHubRegistration({ hubClient, runtime, signal }),
      startRegistrationAgent({
        hubClient,
        spokeClient,
        clusterName: name,
        runtime,
        signal: AbortSignal.any([signal, agentEnding.signal]),
        pollMs: 2000,
      }),
    ];
    await hubClient.create(managedClusters, {
      apiVersion: apiVersion(managedClusters),
      kind: managedClusters.kind,
      metadata: { name },
      spec: { hubAcceptsClient: true, leaseDurationSeconds: 10 },
    });
  });

  afterEach(async () => {
    await stage.stop();
    await Promise.all(running.map(({ stopped }) => stopped));
  });

  const cluster = () => stage.hubClient.get(managedClusters, { name });
  const status = (of: ManagedCluster | undefined, type: string) =>
    of?.status?.conditions?.find((condition) => condition.type === type)?.status;
  const untilAvailableIs = (wanted: string) =>
    eventually(`${name} is ${wanted}`, async () => {
      assert.equal(status(await cluster(), 'ManagedClusterConditionAvailable'), wanted);
      return true;
    });

  it('gives it a namespace and a lease there, and says that it joined and is available', async () => {
    await untilAvailableIs('True');
    assert.equal(status(await cluster(), 'ManagedClusterJoined'), 'True');
    await eventually('a namespace and a lease', async () => {
      const namespace = await stage.hubClient.get(namespaces, { name });
      const lease = await stage.hubClient.get(leases, { namespace: name, name: 'managed-cluster-lease' });
      return namespace !== undefined && lease?.spec?.renewTime !== undefined;
    });
    assert.equal(status(await cluster(), 'HubAcceptedManagedCluster'), 'True');
  });

  it('copies claims, follows their changes and puts its copy right again', async () => {
    const untilClaimsAre = (wanted: { name: string; value: string }[]) =>
      eventually(`claims ${JSON.stringify(wanted)}`, async () => {
        assert.deepEqual((await cluster())?.status?.clusterClaims, wanted);
        return true;
      });
    await stage.spokeClient.create(clusterClaims, claim('b.example.com', '1'));
    await stage.spokeClient.create(clusterClaims, claim('a.example.com', '1'));
    const both = [
      { name: 'a.example.com', value: '1' },
      { name: 'b.example.com', value: '1' },
    ];
    await untilClaimsAre(both);
    const patch = { type: 'merge', body: { status: { clusterClaims: [] } } } as const;
    await stage.hubClient.patch(managedClusters, { name }, patch, { subresource: 'status' });
    await untilClaimsAre(both);
    await stage.spokeClient.delete(clusterClaims, { name: 'b.example.com' });
    await untilClaimsAre(both.slice(0, 1));
  });

  it('calls a cluster whose agent stopped unknown, and available again when it returns', async () => {
    await untilAvailableIs('True');
    await eventually('a lease', () => stage.hubClient.get(leases, { namespace: name, name: 'managed-cluster-lease' }));
    agentEnding.abort();
    await running[1]?.stopped;
    await untilAvailableIs('Unknown');
    const { hubClient, spokeClient, runtime, signal } = stage;
    running.push(startRegistrationAgent({ hubClient, spokeClient, clusterName: name, runtime, signal, pollMs: 2000 }));
    await untilAvailableIs('True');
  });
});
