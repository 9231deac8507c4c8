import type { Change } from '../shared/kube/cache.ts';
import type { KubeObject, Pod } from '../shared/kube/object.ts';
import { moduleKeyOf } from './pods.ts';

/** Names of the indexes of our caches: Pods, DaemonSets and NetworkPolicies by `namespace/name` of their Module, Pods by node. */
export const byModule = 'module';
export const byNode = 'node';

export const moduleIndex = { [byModule]: (object: KubeObject) => defined(moduleKeyOf(object)) };
export const podIndexes = { ...moduleIndex, [byNode]: (pod: Pod) => defined(pod.spec.nodeName) };

/** The Modules that a change of an object of theirs wakes. */
export function keysForOwned<T extends KubeObject>({ previous, current }: Change<T>): string[] {
  const keys = [previous, current].flatMap((object) => (object === undefined ? [] : [moduleKeyOf(object)]));
  return [...new Set(keys)].filter((key) => key !== undefined);
}

function defined(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}
