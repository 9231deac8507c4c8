import { sleep } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import type { Node } from '../../../shared/kube/object.ts';
import { nodes } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { mergePatch } from '../../../shared/kube/status.ts';
import { type NodeFacts, newNode, nodeStatus, ownLabels } from './node-object.ts';

/** kubelet writes an unchanged status every 5 minutes; in between a lease would show its life, which nothing here reads. */
const heartbeatMs = 300_000;
const retryMs = 1_000;

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

/** Writes the heartbeat until `signal` aborts. */
export async function keepHeartbeat(options: RegistrationOptions): Promise<void> {
  while (!options.signal.aborted) {
    await sleep(options.runtime.clock, heartbeatMs, options.signal);
    await registerNode(options);
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
