import { annotations } from '../../shared/kube/names.ts';
import { controllerRevisions, daemonSets } from '../../shared/kube/resources.ts';
import type { Stage } from '../journeys/stage.ts';
import { hubNamespace, spokeNamespace } from '../world/fleet/fleet.ts';
import { readModule, readNode, readPods, readSpokeModule, readWork } from '../world/fleet/observe.ts';

/** All that a person could look at, without what differs from run to run: names that are random, times, versions. */
export type Sight = Readonly<Record<string, unknown>>;

/** What is to be seen of module `name` on the hub, on `cluster` and in the kernels of its nodes. */
export async function lookAt(stage: Stage, name: string, cluster: string): Promise<Sight> {
  const { fleet } = stage;
  const spoke = fleet.spoke(cluster);
  const inNamespace = { namespace: spokeNamespace };
  const [object, work, module, pods, sets, revisions] = await Promise.all([
    readModule(fleet, name),
    readWork(fleet, cluster, name),
    readSpokeModule(fleet, cluster, name),
    readPods(fleet, cluster),
    spoke.plane.client.list(daemonSets, inNamespace),
    fleet.hub.client.list(controllerRevisions, { namespace: hubNamespace }),
  ]);
  return {
    hub: object && { spec: object.spec, status: withoutTimes(object.status) },
    work: work && { state: work.metadata.annotations?.[annotations.state], spec: work.spec },
    revisions: revisions.items.length,
    module: module && { spec: module.spec, status: withoutTimes(module.status) },
    pods: pods.map((pod) => `${pod.spec.nodeName} ${pod.status?.phase} ${pod.spec.containers[0]?.image}`).sort(),
    daemonSets: sets.items.map(({ spec }) => spec.template.spec?.containers[0]?.image).sort(),
    nodes: Object.fromEntries(
      await Promise.all(spoke.nodes.map(async (node) => [node.name, await lookAtNode(stage, cluster, node.name)])),
    ),
  };
}

async function lookAtNode(stage: Stage, cluster: string, name: string): Promise<unknown> {
  const { kernel } = stage.fleet.spoke(cluster).node(name);
  const { labels = {} } = (await readNode(stage.fleet, cluster, name)).metadata;
  return {
    kernel: kernel.release,
    modules: kernel
      .modules()
      .map((module) => module.name)
      .sort(),
    labels: Object.keys(labels)
      .filter((label) => label.startsWith('kmm.node.kubernetes.io/'))
      .sort(),
  };
}

/** Without the members that tell when, or at which version of the object. */
function withoutTimes(value: unknown): unknown {
  const text = JSON.stringify(value ?? null, (key, member: unknown) =>
    /Time$|^updatedAt$|Generation$|^revision$/i.test(key) ? undefined : member,
  );
  return JSON.parse(text);
}
