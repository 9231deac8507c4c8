import { managedClusters } from '@open-cluster-management/api-types';
import { kernelClaim } from '../../shared/kube/names.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage, timeFactor } from '../journeys/stage.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { loadedModules } from '../world/fleet/observe.ts';

/** The module that the stories are about. */
export const module = 'nic';
/** Another one beside it, of two kernel modules with an order, that no story touches. */
export const bystander = 'gpu';
export const bystanderModules = ['gpu', 'gpu_core'] as const;
/** The cluster that is always there, and the one that gets lost. */
export const cluster = 'edge-1';
export const farCluster = 'edge-2';
export const clusters = [cluster, farCluster] as const;
export const nodeNames = { [cluster]: ['n1', 'n2'], [farCluster]: ['n3'] } as const;
/** Nodes that have the bystander: the one that reboots, and the far one. */
const bystanderNodes = { [cluster]: ['n1'], [farCluster]: ['n3'] } as const;
export const repositories = { first: 'drivers/nic', next: 'drivers/nic-next' } as const;

/** A request that hangs costs the programs 10 s of the world's time, not the 30 s of the real one. */
const requestTimeoutMs = 10_000 / timeFactor;
/** The far cluster is called unknown after five of them: 3 s of real time, which a busy machine does not miss. */
const farLeaseSeconds = 6;

/** The stage of the stories: each leaves it as it was. The bystander is loaded. */
export async function startStoryStage(): Promise<Stage> {
  const labels = { fleet: 'edge', site: 'north' };
  const nodes = [
    { name: 'n1', kernel: { release: kernels.el9 }, labels: { gpu: 'yes' } },
    { name: 'n2', kernel: { release: kernels.debian } },
  ];
  const far = { name: farCluster, labels: { site: 'north' }, leaseDurationSeconds: farLeaseSeconds };
  const stage = await startStage(
    [
      { name: cluster, labels, nodes },
      { ...far, nodes: [{ name: 'n3', kernel: { release: kernels.debian }, labels: { gpu: 'yes' } }] },
    ],
    { requestTimeoutMs },
  );
  const { fleet } = stage;
  const known = [kernels.el9, kernels.el9Next, kernels.debian];
  await pushDriver(fleet, { repository: repositories.first, module, kernels: known });
  await pushDriver(fleet, { repository: repositories.next, module, kernels: known, release: 'next' });
  await pushDriver(fleet, { repository: 'drivers/gpu', module: bystander, also: ['gpu_core'], kernels: known });
  await pushPlugin(fleet, 'drivers/nic-plugin', 'v1');
  const spec = driverSpec(fleet, 'drivers/gpu', { selector: { gpu: 'yes' } });
  spec.moduleLoader!.container.modprobe.modulesLoadingOrder = [...bystanderModules];
  await stage.apply(bystander, fleetSpec(spec, { site: 'north' }));
  await stage.ready(bystander);
  // Its works map each kernel that they once knew: from now on nothing of it changes any more.
  await reboot(stage, kernels.el9Next);
  await reboot(stage, kernels.el9);
  return stage;
}

/** The first node comes up with `release`, the hub knows it, and the bystander is loaded there again. */
export async function reboot(stage: Stage, release: string): Promise<void> {
  const { fleet } = stage;
  await fleet.spoke(cluster).node('n1').reboot({ kernel: { release } });
  await eventually(`the claim names ${release}`, async () => {
    const object = await fleet.hub.client.get(managedClusters, { name: cluster });
    const claim = object?.status?.clusterClaims?.find(({ name }) => name === kernelClaim);
    return claim?.value === [release, kernels.debian].sort().join('\n');
  });
  await bystanderIsThere(stage);
}

/** Loaded where it should be, and the hub has heard of it. */
export async function bystanderIsThere(stage: Stage): Promise<void> {
  await eventually(`${bystander} is loaded on its nodes`, () =>
    clusters.every((name) =>
      bystanderNodes[name].every((node) => {
        const loaded = loadedModules(stage.fleet, name, node);
        return bystanderModules.every((each) => loaded.includes(each));
      }),
    ),
  );
  await stage.ready(bystander);
}
