import { managedClusterModules, managedClusters } from '@open-cluster-management/api-types';
import { rowsOf } from '../../hub/cli/rows.ts';
import { summaryOf } from '../../hub/cli/summary.ts';
import { formatRows } from '../../hub/cli/table.ts';
import { jobs, pods } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import type { Fleet } from '../world/fleet/fleet.ts';
import { conditionOf, loadedModules, readModule, readWorks } from '../world/fleet/observe.ts';
import { accelerator, acceleratorSpec, kernels, network, networkSpec, sample } from './cast.ts';
import { linesOf, makeSample } from './making.ts';
import type { Progress } from './progress.ts';
import { type DemoStage, nextRepository } from './stage.ts';
import { apply, loaded, ready } from './waits.ts';

/**
 * What a fleet's admin lives through with three modules. Each step waits until the world, and then the status, is as it should
 * be. `keep`: only until all three are loaded, and how to look at them.
 */
export async function tellStory(options: { stage: DemoStage; progress: Progress; keep: boolean }): Promise<void> {
  const { stage, progress, keep } = options;
  const { fleet } = stage;
  progress.show(() => statusLines(fleet));
  await progress.step(`applied ${network.name} for tier=edge and ${accelerator.name} for accelerator=yes`, () =>
    applyModules(stage),
  );
  await showSummaries(fleet, progress);
  if (keep) {
    await tellMaking(stage, progress);
    return tellKept(stage, progress);
  }
  await progress.step(`edge-1-a rebooted into ${kernels.el9Next}: mapping added, loaded again`, () =>
    rebootNode(fleet),
  );
  await progress.step('edge-2 lost tier=edge: its ManifestWork went, the driver was unloaded there', () =>
    leaveTier(fleet),
  );
  await progress.step('edge-2 has tier=edge again: loaded again', () => joinTier(fleet));
  await progress.step('edge-2 cannot be reached, and says so', () => loseCluster(fleet));
  await progress.step(`a new release of ${network.name}: one node after the other; edge-2 holds nobody up`, () =>
    releaseDriver(fleet),
  );
  await progress.step('edge-2 is back and gets the new release', () => regainCluster(fleet));
  await tellMaking(stage, progress);
  await progress.step('deleted all: unloaded on all nine nodes, nothing left', () => removeModules(fleet));
}

/** An image that is missing, from its build to the kernels. */
async function tellMaking({ fleet, builder }: DemoStage, progress: Progress): Promise<void> {
  if (builder === undefined) throw new Error('expected a stage with a builder');
  const title = `applied ${sample.name} for debian=yes, whose image is missing: built, signed, verified, loaded`;
  const made = await progress.step(title, () => makeSample(fleet, builder));
  progress.print(
    `${linesOf(made, builder)
      .map((line) => `      ${line}`)
      .join('\n')}\n`,
  );
}

/** Applies both modules and waits until they are where they belong and their statuses say so. */
export async function applyModules({ fleet, plugin }: DemoStage): Promise<void> {
  await apply(fleet, network.name, networkSpec(fleet, network.repository));
  await apply(fleet, accelerator.name, acceleratorSpec(fleet, plugin));
  await loaded(fleet, network.kernelModule, ['edge-1', 'edge-2']);
  await loaded(fleet, accelerator.kernelModule, ['edge-2', 'core-1']);
  await loaded(fleet, accelerator.before, ['edge-2', 'core-1']);
  await ready(fleet, network.name);
  await ready(fleet, accelerator.name);
  if (isLoadedAnywhere(fleet, network.kernelModule, 'core-1')) {
    throw new Error(`expected no ${network.kernelModule} in core-1, which has not tier=edge`);
  }
}

async function rebootNode(fleet: Fleet): Promise<void> {
  await fleet
    .spoke('edge-1')
    .node('edge-1-a')
    .reboot({ kernel: { release: kernels.el9Next } });
  await loaded(fleet, network.kernelModule, ['edge-1']);
  await eventually(`the status names ${kernels.el9Next}`, async () =>
    (await rows(fleet)).some(({ kernel, state }) => kernel === kernels.el9Next && state === 'Loaded'),
  );
  await ready(fleet, network.name);
}

async function leaveTier(fleet: Fleet): Promise<void> {
  await labelCluster(fleet, 'edge-2', { tier: 'none' });
  await eventually(
    `no node of edge-2 has ${network.kernelModule}`,
    () => !isLoadedAnywhere(fleet, network.kernelModule, 'edge-2'),
  );
  await eventually('its ManifestWork is gone', async () =>
    (await readWorks(fleet)).every(({ metadata }) => metadata.namespace !== 'edge-2' || metadata.name !== network.name),
  );
}

async function joinTier(fleet: Fleet): Promise<void> {
  await labelCluster(fleet, 'edge-2', { tier: 'edge' });
  await loaded(fleet, network.kernelModule, ['edge-2']);
  // Ready was True before too, of edge-1 alone: edge-2's own row says that it is counted again.
  await eventually('the status says that edge-2 has it', async () =>
    (await rows(fleet)).some(
      ({ module, cluster, state }) => module === network.name && cluster === 'edge-2' && state === 'Loaded',
    ),
  );
  await ready(fleet, network.name);
}

async function loseCluster(fleet: Fleet): Promise<void> {
  await fleet.spoke('edge-2').disconnect();
  await eventually('the status says that edge-2 is unreachable', async () => unreachable(fleet, 'edge-2'));
}

async function releaseDriver(fleet: Fleet): Promise<void> {
  const { moduleSpec } = networkSpec(fleet, nextRepository);
  await fleet.hub.client.patch(
    managedClusterModules,
    { name: network.name },
    { type: 'merge', body: { spec: { moduleSpec } } },
  );
  await loadedTimes(fleet, 'edge-1', 2);
  await ready(fleet, network.name);
  if (!(await unreachable(fleet, 'edge-2'))) throw new Error('expected edge-2 to be named as unreachable still');
}

async function regainCluster(fleet: Fleet): Promise<void> {
  fleet.spoke('edge-2').connect();
  await eventually('edge-2 is reachable again', async () => !(await unreachable(fleet, 'edge-2')));
  await loadedTimes(fleet, 'edge-2', 3);
  await ready(fleet, network.name);
}

async function removeModules(fleet: Fleet): Promise<void> {
  for (const { metadata } of (await fleet.hub.client.list(managedClusterModules)).items) {
    const { name } = metadata;
    await fleet.hub.client.delete(managedClusterModules, { name }, { propagationPolicy: 'Background' });
  }
  await eventually('no ManifestWork is left on the hub', async () => (await readWorks(fleet)).length === 0);
  for (const spoke of fleet.spokes) {
    for (const node of spoke.nodes) {
      const left = loadedModules(fleet, spoke.name, node.name);
      if (left.length > 0) throw new Error(`expected no module in the kernel of ${node.name}, got ${left.join(', ')}`);
    }
    await eventually(
      `no pod is left in ${spoke.name}`,
      async () => (await spoke.plane.client.list(pods)).items.length === 0,
    );
  }
  await eventually('no Job is left on the hub', async () => (await fleet.hub.client.list(jobs)).items.length === 0);
}

async function labelCluster(fleet: Fleet, name: string, labels: Record<string, string>): Promise<void> {
  await fleet.hub.client.patch(managedClusters, { name }, { type: 'merge', body: { metadata: { labels } } });
}

/** Every node of the cluster has loaded the network driver so often, and has it now. */
async function loadedTimes(fleet: Fleet, cluster: string, times: number): Promise<void> {
  for (const { name, kernel } of fleet.spoke(cluster).nodes) {
    const loads = () =>
      kernel.history.filter((each) => each.call === 'insert' && each.name === network.kernelModule && !each.errno);
    await eventually(
      `${name} has loaded ${network.kernelModule} anew`,
      () => loads().length >= times && kernel.isLoaded(network.kernelModule),
    );
  }
}

function isLoadedAnywhere(fleet: Fleet, kernelModule: string, cluster: string): boolean {
  return fleet.spoke(cluster).nodes.some(({ kernel }) => kernel.isLoaded(kernelModule));
}

async function unreachable(fleet: Fleet, cluster: string): Promise<boolean> {
  const clusters = (await readModule(fleet, network.name))?.status?.clusters ?? [];
  return clusters.some(({ name, state }) => name === cluster && state === 'Unreachable');
}

/** By the code that the command line uses: from statuses and feedback, never from the world. */
async function rows(fleet: Fleet) {
  return rowsOf((await fleet.hub.client.list(managedClusterModules)).items, await readWorks(fleet));
}

async function statusLines(fleet: Fleet): Promise<string[]> {
  const { items } = await fleet.hub.client.list(managedClusterModules);
  if (items.length === 0) return [];
  const table = formatRows(rowsOf(items, await readWorks(fleet)));
  return [...table, ...items.map((item) => `${item.metadata.name}: Ready ${conditionOf(item, 'Ready')}`)].map((line) =>
    `      ${line}`.trimEnd(),
  );
}

/** Conditions, clusters by state, and the image with its digest for each kernel. */
async function showSummaries(fleet: Fleet, progress: Progress): Promise<void> {
  const { items } = await fleet.hub.client.list(managedClusterModules);
  progress.print(
    `${items
      .flatMap(summaryOf)
      .map((line) => `      ${line}`)
      .join('\n')}\n`,
  );
}

function tellKept(stage: DemoStage, progress: Progress): void {
  const lines = Object.entries(stage.kubeconfigs).map(([plane, file]) => `      export KUBECONFIG=${file}  # ${plane}`);
  progress.print(`Left running, until Ctrl-C:\n${lines.join('\n')}`);
}
