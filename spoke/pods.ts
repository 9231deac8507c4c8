import { labels } from '../shared/kube/names.ts';
import type { ContainerStatus, DaemonSet, KubeObject, Node, Pod } from '../shared/kube/object.ts';
import { readyOf } from './nodes.ts';

export const containers = { loader: 'module-loader', tools: 'tools', plugin: 'device-plugin' } as const;
export const devicePluginRole = 'device-plugin';

/** What a pod (or the DaemonSet of one) with a module-name label is for. */
export type PodPurpose = 'load' | 'unload' | 'device-plugin' | 'other';

export function purposeOf(object: Pod | DaemonSet): PodPurpose {
  const label = object.metadata.labels ?? {};
  if (label[labels.workerAction] !== undefined) return label[labels.workerAction] === 'Unload' ? 'unload' : 'other';
  if (label[labels.role] !== undefined) return label[labels.role] === devicePluginRole ? 'device-plugin' : 'other';
  return label[labels.kernelVersion] === undefined ? 'other' : 'load';
}

/** `namespace/name` of the Module that a pod, DaemonSet or NetworkPolicy is for: the namespace is part of it (trap T14). */
export function moduleKeyOf(object: KubeObject): string | undefined {
  const name = object.metadata.labels?.[labels.moduleName];
  return name === undefined ? undefined : `${object.metadata.namespace}/${name}`;
}

export function isTerminating(object: { metadata: { deletionTimestamp?: string } }): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function isPodReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

export function containerStatus(pod: Pod, name: string): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find((status) => status.name === name);
}

export function toolsStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status?.initContainerStatuses?.find((status) => status.name === containers.tools);
}

/** The pod runs in the node's service now: Ready, staying, and its node is there to say so. */
export function isServing(pod: Pod, node: Node): boolean {
  return !isTerminating(pod) && isPodReady(pod) && readyOf(node);
}
