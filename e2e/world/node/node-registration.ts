import { sleep } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import type { Lease, Node } from '../../../shared/kube/object.ts';
import { leases, nodes } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { mergePatch } from '../../../shared/kube/status.ts';
import { type NodeFacts, newNode, nodeStatus, ownLabels } from './node-object.ts';

/** Kubelet writes an unchanged status every 5 minutes; in between its lease shows that it lives. */
const heartbeatMs = 300_000;
const leaseMs = 10_000;
const leaseDurationSeconds = 40;
const retryMs = 1_000;
const leaseKind = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' } as const;

export interface RegistrationOptions {
  readonly client: KubeClient;
  readonly runtime: Runtime;
  readonly facts: () => NodeFacts;
  readonly signal: AbortSignal;
}

/** Registers the node, or brings the Node that is there up to date; tries until it succeeds or `signal` aborts. */
export async function registerNode({ client, runtime, facts, signal }: RegistrationOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      return await register(client, facts());
    } catch (error) {
      runtime.log.warn({ error: errorMessage(error) }, 'node registration failed');
      await sleep(runtime.clock, retryMs, signal);
    }
  }
}

/** Renews the lease, and less often the status, until `signal` aborts. */
export async function keepHeartbeat(options: RegistrationOptions): Promise<void> {
  const { runtime, signal } = options;
  let lease: Lease | undefined;
  for (let beat = 1; !signal.aborted; beat += 1) {
    lease = await renewed(options, lease);
    await sleep(runtime.clock, leaseMs, signal);
    if (beat % (heartbeatMs / leaseMs) === 0) await registerNode(options);
  }
}

/** The lease with a new time; `undefined` when that failed: the next beat looks again. */
async function renewed(
  { client, facts, runtime }: RegistrationOptions,
  known: Lease | undefined,
): Promise<Lease | undefined> {
  const { name } = facts();
  const at = { namespace: 'kube-node-lease', name };
  try {
    const present = known ?? (await client.get(leases, at));
    const renewTime = new Date(runtime.clock.now()).toISOString().replace('Z', '000Z');
    const spec = { ...present?.spec, holderIdentity: name, leaseDurationSeconds, renewTime };
    const lease: Lease = { ...leaseKind, metadata: present?.metadata ?? at, spec };
    return await (present === undefined ? client.create(leases, lease) : client.replace(leases, lease));
  } catch (error) {
    runtime.log.warn({ error: errorMessage(error) }, 'node lease was not renewed');
    return undefined;
  }
}

async function register(client: KubeClient, facts: NodeFacts): Promise<void> {
  const present = (await client.get(nodes, { name: facts.name })) ?? (await create(client, facts));
  const labels = mergePatch(present.metadata.labels ?? {}, { ...present.metadata.labels, ...ownLabels(facts) });
  if (labels !== undefined) await client.patch(nodes, facts, { type: 'merge', body: { metadata: { labels } } });
  const wanted = nodeStatus(facts, present.status?.conditions ?? []);
  const status = mergePatch(present.status ?? {}, { ...present.status, ...wanted });
  if (status === undefined) return;
  await client.patch(nodes, facts, { type: 'merge', body: { status } }, { subresource: 'status' });
}

async function create(client: KubeClient, facts: NodeFacts): Promise<Node> {
  try {
    return await client.create(nodes, newNode(facts));
  } catch (error) {
    if (!isConflict(error)) throw error;
    return (await client.get(nodes, { name: facts.name })) ?? newNode(facts);
  }
}
