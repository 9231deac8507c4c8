import type { CacheView } from '../../shared/kube/cache.ts';
import { type DaemonSet, type KubeObject, type Node, objectKey, type Pod, refKey } from '../../shared/kube/object.ts';
import { purposeOf } from '../pods.ts';

/** What the API server and Kubernetes' controllers do for the model, as far as it needs them. */

export function podOf(daemonSet: DaemonSet, node: Node): Pod {
  const { template } = daemonSet.spec;
  const { name, uid = '' } = daemonSet.metadata;
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: '', namespace: 'modules', ownerReferences: [owner] },
    spec: { ...template.spec, nodeName: node.metadata.name },
    status: { phase: 'Pending' },
  } as unknown as Pod;
}

export function isOwned(pod: Pod, { metadata }: DaemonSet): boolean {
  return purposeOf(pod) !== 'unload' && pod.metadata.ownerReferences?.[0]?.uid === metadata.uid;
}

export function isLoaderOf(pod: Pod, node: string): boolean {
  return pod.spec.nodeName === node && purposeOf(pod) === 'load';
}

/** As `kubectl delete --force` leaves a pod that has a finalizer. */
export function forced(pod: Pod, nowMs: number): Pod {
  const deletionTimestamp = pod.metadata.deletionTimestamp ?? new Date(nowMs).toISOString();
  return { ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 0 } };
}

export function annotated(pod: Pod, change: Record<string, string | undefined>): Pod {
  const entries = Object.entries({ ...pod.metadata.annotations, ...change });
  const kept = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...pod, metadata: { ...pod.metadata, annotations: Object.fromEntries(kept) } };
}

export function view<T extends KubeObject>(
  items: readonly T[],
  indexes: Record<string, (object: never) => string[]>,
): CacheView<T> {
  return {
    synced: true,
    list: () => items,
    get: (ref) => items.find((item) => objectKey(item) === refKey(ref)),
    byIndex: (index, value) => items.filter((item) => indexes[index]?.(item as never).includes(value)),
  };
}

export function merged(
  present: Record<string, string> | undefined,
  changes: Record<string, string | null>,
): Record<string, string> {
  const entries = Object.entries({ ...present, ...changes });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}
