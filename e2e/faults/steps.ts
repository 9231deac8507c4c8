import { managedClusters } from '@open-cluster-management/api-types';
import { driverSpec, fleetSpec, kernels, type Stage } from '../journeys/stage.ts';
import { loadedModules, readModule, readPods, readSpokeModule, readWorks } from '../world/fleet/observe.ts';
import { cluster, clusters, farCluster, module, nodeNames, repositories } from './cast.ts';

/** One thing that a person does or that happens to the fleet, and when that is over. */
export interface Scene {
  act(stage: Stage): Promise<unknown>;
  done(stage: Stage): boolean | Promise<boolean>;
}

type Name = 'apply' | 'edit' | 'reboot' | 'deselect' | 'select' | 'delete' | 'lose' | 'release' | 'regain';

/** Part of a story's name and of its steps' names: what is done to one cluster with two nodes, and what an outage of another one does. */
export const stories = {
  mainJob: {
    apply: { act: (stage) => apply(stage, { fleet: 'edge' }), done: (stage) => isReady(stage, 1) },
    edit: {
      act: (stage) =>
        stage.edit(module, {
          moduleSpec: { moduleLoader: { container: { modprobe: { parameters: ['debug=1'] } } } },
        }),
      done: async (stage) =>
        nodeNames[cluster].every((node) => lastLoad(stage, node) === 'debug=1') && isReady(stage, 1),
    },
    reboot: {
      act: ({ fleet }) =>
        fleet
          .spoke(cluster)
          .node('n1')
          .reboot({ kernel: { release: kernels.el9Next } }),
      done: async (stage) => isLoaded(stage) && isReady(stage, 1),
    },
    deselect: { act: (stage) => label(stage, null), done: async (stage) => isUnloaded(stage) && isReady(stage, 0) },
    select: { act: (stage) => label(stage, 'edge'), done: async (stage) => isLoaded(stage) && isReady(stage, 1) },
    delete: { act: (stage) => stage.remove(module), done: isGone },
  },
  outage: {
    apply: { act: (stage) => apply(stage, { site: 'north' }), done: (stage) => isReady(stage, 2) },
    lose: { act: ({ fleet }) => fleet.spoke(farCluster).disconnect(), done: isUnreachable },
    release: {
      act: (stage) => {
        const { kernelMappings } = driverSpec(stage.fleet, repositories.next).moduleLoader!.container;
        return stage.edit(module, { moduleSpec: { moduleLoader: { container: { kernelMappings } } } });
      },
      done: async (stage) =>
        (await runs(stage, cluster, repositories.next)) && (await isUnreachable(stage)) && isReady(stage, 2),
    },
    regain: {
      act: async ({ fleet }) => fleet.spoke(farCluster).connect(),
      done: async (stage) =>
        (await runs(stage, farCluster, repositories.next)) && !(await isUnreachable(stage)) && isReady(stage, 2),
    },
    delete: { act: (stage) => stage.remove(module), done: isGone },
  },
} satisfies Record<string, Partial<Record<Name, Scene>>>;

export type StoryName = keyof typeof stories;
export type Step = Name;

function apply({ fleet, ...stage }: Stage, selector: Record<string, string>): Promise<void> {
  const image = `${fleet.registry.host}/drivers/nic-plugin:v1`;
  const spec = driverSpec(fleet, repositories.first, { devicePlugin: { container: { image } } });
  return stage.apply(module, fleetSpec(spec, selector));
}

async function isReady(stage: Stage, works: number): Promise<boolean> {
  const { status } = await stage.ready(module);
  return status?.numberDesired === works;
}

async function isUnreachable({ fleet }: Stage): Promise<boolean> {
  const unwell = (await readModule(fleet, module))?.status?.clusters ?? [];
  return unwell.some(({ name, state }) => name === farCluster && state === 'Unreachable');
}

function lastLoad({ fleet }: Stage, node: string): string | undefined {
  const { history } = fleet.spoke(cluster).node(node).kernel;
  return history.findLast(({ call, name, errno }) => call === 'insert' && name === module && errno === undefined)
    ?.parameters;
}

/** The loader pods of every node of `name` have the image of `repository` and are Ready. */
async function runs({ fleet }: Stage, name: keyof typeof nodeNames, repository: string): Promise<boolean> {
  const pods = await readPods(fleet, name);
  const image = `${fleet.registry.host}/${repository}@`;
  return nodeNames[name].every((node) =>
    pods.some(
      ({ spec, status }) =>
        spec.nodeName === node &&
        spec.containers[0]?.image?.startsWith(image) &&
        status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    ),
  );
}

function isLoaded({ fleet }: Stage): boolean {
  return nodeNames[cluster].every((node) => loadedModules(fleet, cluster, node).includes(module));
}

function isUnloaded({ fleet }: Stage): boolean {
  return fleet.spokes.every((spoke) => spoke.nodes.every(({ kernel }) => !kernel.isLoaded(module)));
}

/** Out of the kernels, and nothing of it left on hub and spokes. */
async function isGone(stage: Stage): Promise<boolean> {
  const { fleet } = stage;
  const works = (await readWorks(fleet)).filter(({ metadata }) => metadata.name === module);
  const left = await Promise.all(clusters.map((name) => readSpokeModule(fleet, name, module)));
  return isUnloaded(stage) && works.length === 0 && left.every((object) => object === undefined);
}

function label({ fleet }: Stage, value: string | null): Promise<unknown> {
  const body = { metadata: { labels: { fleet: value } } };
  return fleet.hub.client.patch(managedClusters, { name: cluster }, { type: 'merge', body });
}
