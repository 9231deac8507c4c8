import {
  type ManagedClusterModule,
  type ManifestWork,
  type Module,
  managedClusterModules,
  manifestWorks,
  modules,
} from '@open-cluster-management/api-types';
import type { Node, Pod } from '../../../shared/kube/object.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import { type Fleet, spokeNamespace } from './fleet.ts';

/** What anybody with kubectl sees, for the demo and the journeys: straight from the API servers, never from our caches. */
export async function readModule(fleet: Fleet, name: string): Promise<ManagedClusterModule | undefined> {
  return fleet.hub.client.get(managedClusterModules, { name });
}

export async function readWorks(fleet: Fleet): Promise<ManifestWork[]> {
  return (await fleet.hub.client.list(manifestWorks)).items;
}

export async function readWork(fleet: Fleet, cluster: string, name: string): Promise<ManifestWork | undefined> {
  return fleet.hub.client.get(manifestWorks, { namespace: cluster, name });
}

export async function readSpokeModule(fleet: Fleet, cluster: string, name: string): Promise<Module | undefined> {
  return fleet.spoke(cluster).plane.client.get(modules, { namespace: spokeNamespace, name });
}

export async function readNode(fleet: Fleet, cluster: string, name: string): Promise<Node> {
  const node = await fleet.spoke(cluster).plane.client.get(nodes, { name });
  if (node === undefined) throw new Error(`expected node ${name} of ${cluster}, got none`);
  return node;
}

export async function readPods(fleet: Fleet, cluster: string): Promise<Pod[]> {
  return (await fleet.spoke(cluster).plane.client.list(pods, { namespace: spokeNamespace })).items;
}

/** The condition's status with its reason, as `kubectl wait` and people look at it: `True AllLoaded`. */
export function conditionOf(
  object: { status?: { conditions?: readonly Condition[] } } | undefined,
  type: string,
): string {
  const condition = object?.status?.conditions?.find((each) => each.type === type);
  return condition === undefined ? 'absent' : `${condition.status} ${condition.reason}: ${condition.message}`;
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/** Names of kernel modules in a node's kernel that are not part of its distribution. */
export function loadedModules(fleet: Fleet, cluster: string, node: string): string[] {
  return fleet
    .spoke(cluster)
    .node(node)
    .kernel.modules()
    .map(({ name }) => name);
}
