import type { Module } from '@open-cluster-management/api-types';
import type { CacheView } from '../../shared/kube/cache.ts';
import { type Node, type Pod, parseKey } from '../../shared/kube/object.ts';
import { loadedBoots } from '../boots.ts';
import { byNode } from '../indexes.ts';
import { bootIdOf, readyOf } from '../nodes.ts';
import type { Observations } from '../observations.ts';
import { isPodReady, isTerminating, moduleKeyOf, purposeOf } from '../pods.ts';
import { type ModuleOnNode, type NodePicture, runningContainer } from './decide.ts';
import { parseLabel } from './label-keys.ts';

export interface NodeSources {
  nodes: CacheView<Node>;
  pods: CacheView<Pod>;
  modules: CacheView<Module>;
  observations: Observations;
}

/** One node, and each Module that has a pod, a label or a record on it. `undefined`: there is no such node. */
export function gather(sources: NodeSources, name: string): NodePicture | undefined {
  const node = sources.nodes.get({ name });
  if (node === undefined) return undefined;
  const pods = Map.groupBy(sources.pods.byIndex(byNode, name), moduleKeyOf);
  const keys = new Set([...pods.keys(), ...recordedKeys(node), ...labelledKeys(node)]);
  const modules = [...keys]
    .filter((key) => key !== undefined)
    .sort()
    .map((key) => moduleOnNode(sources, { node, key, pods: pods.get(key) ?? [] }));
  return { node, modules };
}

function moduleOnNode(
  { modules, observations }: NodeSources,
  { node, key, pods }: { node: Node; key: string; pods: readonly Pod[] },
): ModuleOnNode {
  const { namespace = '', name } = parseKey(key);
  const module = modules.get({ namespace, name });
  const loader = pods.find((pod) => purposeOf(pod) === 'load' && !isTerminating(pod));
  const subject = `${node.metadata.name}/${key}`;
  const readiness = `${readyOf(node)} ${loader?.metadata.uid} ${loader && isPodReady(loader)}`;
  const running = `${bootIdOf(node)} ${readyOf(node)} ${loader && runningContainer(loader)}`;
  return {
    namespace,
    name,
    exists: module !== undefined,
    deleting: module === undefined || isTerminating(module),
    hasLoader: module?.spec.moduleLoader !== undefined,
    pods,
    readinessMs: observations.ageMs(`${subject} readiness`, readiness),
    containerMs: observations.ageMs(`${subject} container`, running),
  };
}

function recordedKeys(node: Node): string[] {
  // `<namespace>.<module>`: a namespace has no dots.
  return Object.keys(loadedBoots(node)).map((key) => key.replace('.', '/'));
}

function labelledKeys(node: Node): string[] {
  return Object.keys(node.metadata.labels ?? {}).flatMap((key) => {
    const label = parseLabel(key);
    return label === undefined || label.kind === 'deprecated' ? [] : [`${label.namespace}/${label.module}`];
  });
}
