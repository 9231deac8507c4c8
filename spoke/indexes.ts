import type { KubeObject, Pod } from '../shared/kube/object.ts';
import { moduleKeyOf } from './pods.ts';

/** Names of the indexes of our caches: Pods, DaemonSets and NetworkPolicies by `namespace/name` of their Module, Pods by node. */
export const byModule = 'module';
export const byNode = 'node';

export const moduleIndex = { [byModule]: (object: KubeObject) => defined(moduleKeyOf(object)) };
export const podIndexes = { ...moduleIndex, [byNode]: (pod: Pod) => defined(pod.spec.nodeName) };

function defined(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}
