import { type ManagedClusterModuleSpec, managedClusterModules } from '@open-cluster-management/api-types';
import { summaryOf } from '../../hub/cli/summary.ts';
import { formatRows, rowsOf } from '../../hub/cli/table.ts';
import { pods } from '../../shared/kube/resources.ts';
import { eventually } from '../world/eventually.ts';
import { type Fleet, pullSecret, spokeNamespace } from '../world/fleet/fleet.ts';
import { conditionOf, loadedModules, readModule, readSpokeModule, readWorks } from '../world/fleet/observe.ts';
import type { Progress } from './progress.ts';
import { cluster, type DemoStage, kernels } from './stage.ts';

const name = 'fictional-nic';
const kernelModule = 'fictional_nic';

/** What an admin lives through with one module. Each step waits until the world, and then the status, is as it should be. */
export async function tellStory(options: {
  stage: DemoStage;
  progress: Progress;
  keep: boolean;
  interrupted: Promise<void>;
}): Promise<void> {
  const { stage, progress, keep, interrupted } = options;
  const { fleet } = stage;
  await progress.step(`applied ManagedClusterModule ${name}: loaded on both nodes, plugin running`, () =>
    applyModule(stage),
  );
  await showStatus(fleet, progress);
  if (keep) return keepRunning(stage, progress, interrupted);
  await progress.step(`node-a rebooted into ${kernels.next}: mapping added, loaded again`, async () => {
    await fleet
      .spoke(cluster)
      .node('node-a')
      .reboot({ kernel: { release: kernels.next } });
    await loadedOn(fleet, ['node-a', 'node-b']);
    await eventually(`the status names ${kernels.next}`, async () => {
      const rows = rowsOf(await allModules(fleet), await readWorks(fleet));
      return rows.some(({ kernel, state }) => kernel === kernels.next && state === 'Loaded');
    });
    await statusIsReady(fleet);
  });
  await showStatus(fleet, progress);
  await progress.step(`deleted ${name}: unloaded on both nodes, nothing left`, async () => {
    await fleet.hub.client.delete(managedClusterModules, { name }, { propagationPolicy: 'Background' });
    await eventually('no ManifestWork is left on the hub', async () => (await readWorks(fleet)).length === 0);
    await everythingGone(fleet);
  });
  await showStatus(fleet, progress);
}

/** Applies the demo's module and waits until it is in both nodes' kernels and its status says so. */
export async function applyModule(stage: DemoStage): Promise<void> {
  const { fleet } = stage;
  await fleet.hub.client.create(managedClusterModules, {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { name },
    spec: specOf(stage),
  });
  await loadedOn(fleet, ['node-a', 'node-b']);
  await statusIsReady(fleet);
}

function specOf({ fleet, plugin }: DemoStage): ManagedClusterModuleSpec {
  const containerImage = `${fleet.registry.host}/drivers/fictional-nic:\${KERNEL_FULL_VERSION}`;
  return {
    selector: { tier: 'edge' },
    spokeNamespace,
    imageCheck: 'Required',
    deletionPolicy: 'Delete',
    moduleSpec: {
      selector: { 'node-role.kubernetes.io/worker': '' },
      imageRepoSecret: { name: pullSecret },
      moduleLoader: {
        container: {
          modprobe: { moduleName: kernelModule, dirName: '/opt' },
          kernelMappings: [{ regexp: '^.+$', containerImage }],
        },
      },
      devicePlugin: { container: { image: plugin } },
    },
  };
}

async function loadedOn(fleet: Fleet, nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    await eventually(`${kernelModule} is in the kernel of ${node}`, () =>
      loadedModules(fleet, cluster, node).includes(kernelModule),
    );
  }
}

async function statusIsReady(fleet: Fleet): Promise<void> {
  await eventually(`Ready of ${name} is True`, async () => {
    const seen = conditionOf(await readModule(fleet, name), 'Ready');
    if (seen.startsWith('True ')) return true;
    throw new Error(seen);
  });
}

async function everythingGone(fleet: Fleet): Promise<void> {
  if ((await readSpokeModule(fleet, cluster, name)) !== undefined) throw new Error('expected no Module on the spoke');
  for (const node of ['node-a', 'node-b']) {
    const left = loadedModules(fleet, cluster, node);
    if (left.length > 0) throw new Error(`expected no module in the kernel of ${node}, got ${left.join(', ')}`);
  }
  await eventually('no pod is left on the spoke', async () => {
    const { items } = await fleet.spoke(cluster).plane.client.list(pods);
    if (items.length === 0) return true;
    throw new Error(items.map(({ metadata }) => metadata.name).join(', '));
  });
}

async function allModules(fleet: Fleet) {
  return (await fleet.hub.client.list(managedClusterModules)).items;
}

/** By the code that the command line uses: from statuses and feedback, never from the world. */
async function showStatus(fleet: Fleet, progress: Progress): Promise<void> {
  const modules = await allModules(fleet);
  if (modules.length === 0) return progress.print('\n      no ManagedClusterModules\n');
  const lines = [...modules.flatMap(summaryOf), '', ...formatRows(rowsOf(modules, await readWorks(fleet)))];
  progress.print(`\n${lines.map((line) => `      ${line}`.trimEnd()).join('\n')}\n`);
}

async function keepRunning(stage: DemoStage, progress: Progress, interrupted: Promise<void>): Promise<void> {
  const lines = Object.entries(stage.kubeconfigs).map(([plane, file]) => `      export KUBECONFIG=${file}  # ${plane}`);
  progress.print(`Left running, until Ctrl-C:\n${lines.join('\n')}`);
  await interrupted;
}
