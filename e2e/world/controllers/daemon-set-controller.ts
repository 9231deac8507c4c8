import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import { type DaemonSet, type Node, objectKey, type Pod, parseKey, refKey } from '../../../shared/kube/object.ts';
import { daemonSets, nodes, pods } from '../../../shared/kube/resources.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import { type Decision, decide, type Picture } from './daemon-set/decide.ts';
import { isConcerned } from './daemon-set/placement.ts';
import { daemonPod } from './daemon-set/pod.ts';
import { daemonSetStatus } from './daemon-set/status.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';

const failedBackOff = { firstMs: 1_000, maxMs: 15 * 60_000 } as const;

/** Kubernetes' DaemonSet controller: one pod a matching node, OnDelete and RollingUpdate (without surge), status. */
export function startDaemonSetController(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const daemonSetCache = new Cache({ client, runtime, resource: daemonSets });
  const nodeCache = new Cache({ client, runtime, resource: nodes });
  const podCache = new Cache({ client, runtime, resource: pods, slim: placesOnly, indexes: { node: nodeOf } });
  const backOff = new Map<string, { failures: number; untilMs: number }>();

  async function reconcile(key: string): Promise<Outcome> {
    const daemonSet = daemonSetCache.get(parseKey(key));
    if (daemonSet === undefined) return done;
    const picture = await gather(daemonSet);
    const decision = decide(picture);
    const waitMs = holdBack(key, decision, picture.nowMs);
    const refusal = await apply(daemonSet, decision);
    const later = decision.create.length + decision.remove.length > 0 ? await gather(daemonSet) : picture;
    await writeStatus(client, daemonSets, daemonSet, daemonSetStatus(later));
    if (refusal !== undefined) throw refusal;
    if (waitMs !== undefined) return after(waitMs, 'a failed pod is replaced later each time');
    const readySeconds = daemonSet.spec.minReadySeconds ?? 0;
    return readySeconds > 0 ? after(readySeconds * 1000, 'pods become available') : done;
  }

  /** Pods are read from the server: with a cache that lags behind its own writes there would be two pods on a node. */
  async function gather(daemonSet: DaemonSet): Promise<Picture> {
    const { namespace, uid } = daemonSet.metadata;
    const labels = Object.entries(daemonSet.spec.selector.matchLabels ?? {});
    const labelSelector = labels.map(([name, value]) => `${name}=${value}`).join(',');
    const { items } = await client.list(pods, { namespace, labelSelector });
    const owned = items.filter((pod) =>
      pod.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid),
    );
    return { daemonSet, nodes: nodeCache.list(), pods: owned, nowMs: runtime.clock.now() };
  }

  /** Takes failed pods out of the decision whose node is in back-off; gives the time until the first of them is due. */
  function holdBack(key: string, decision: Decision, nowMs: number): number | undefined {
    let waitMs: number | undefined;
    for (const pod of decision.failed) {
      const backOffKey = `${key} ${pod.spec.nodeName}`;
      const known = backOff.get(backOffKey) ?? { failures: 0, untilMs: 0 };
      if (known.untilMs > nowMs) {
        decision.remove = decision.remove.filter((other) => other !== pod);
        waitMs = Math.min(waitMs ?? Number.POSITIVE_INFINITY, known.untilMs - nowMs);
        continue;
      }
      const delayMs = Math.min(failedBackOff.firstMs * 2 ** known.failures, failedBackOff.maxMs);
      backOff.set(backOffKey, { failures: known.failures + 1, untilMs: nowMs + delayMs });
    }
    return waitMs;
  }

  /** Gives why a pod could not be made: the status is written all the same. */
  async function apply(daemonSet: DaemonSet, decision: Decision): Promise<unknown> {
    for (const pod of decision.remove) {
      const preconditions = pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid };
      await unlessConflict(client.delete(pods, pod.metadata, { preconditions }));
    }
    const made = decision.create.map((nodeName) => client.create(pods, daemonPod(daemonSet, nodeName)));
    const results = await Promise.allSettled(made);
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  function concernedBy(node: Node): (daemonSet: DaemonSet) => boolean {
    const scheduled = new Set(podCache.byIndex('node', node.metadata.name).flatMap(ownerKeys));
    return (daemonSet) => isConcerned(daemonSet, node, scheduled.has(objectKey(daemonSet)));
  }

  for (const cache of [daemonSetCache, nodeCache, podCache]) cache.start(signal);
  const sources = [
    watching(daemonSetCache, ({ current }) => (current ? [objectKey(current)] : [])),
    watching(nodeCache, ({ current }) =>
      (current ? daemonSetCache.list().filter(concernedBy(current)) : daemonSetCache.list()).map(objectKey),
    ),
    watching(podCache, ({ previous, current }) => new Set([...ownerKeys(previous), ...ownerKeys(current)])),
  ];
  return startController({ name: 'world-daemon-set', sources, reconcile }, runtime, signal);
}

function ownerKeys(pod: Pod | undefined): string[] {
  const owners = pod?.metadata.ownerReferences?.filter((owner) => owner.controller && owner.kind === 'DaemonSet') ?? [];
  return owners.map((owner) => refKey({ namespace: pod?.metadata.namespace, name: owner.name }));
}

function nodeOf({ spec }: Pod): string[] {
  return spec.nodeName ? [spec.nodeName] : [];
}

/** Owners and nodes: all that the controller looks for in its own copies. */
function placesOnly(pod: Pod): Pod {
  const { apiVersion, kind, metadata, spec } = pod;
  return { apiVersion, kind, metadata, spec: { containers: [], ...(spec.nodeName && { nodeName: spec.nodeName }) } };
}

/** Another pod of that name, or a change in between: the next look decides. */
async function unlessConflict(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}
