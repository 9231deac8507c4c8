import assert from 'node:assert/strict';
import { managedClusters } from '@open-cluster-management/api-types';
import { sleep } from '../../shared/core/clock.ts';
import { kernelClaim } from '../../shared/kube/names.ts';
import { driverSpec, fleetSpec, kernels, type Stage, startStage, timeFactor } from '../journeys/stage.ts';
import { eventually } from '../world/eventually.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { programUsers } from '../world/fleet/fleet.ts';
import { loadedModules } from '../world/fleet/observe.ts';
import { embeddedServer } from '../world/fleet/plane.ts';
import { lookAt, type Sight } from './sight.ts';

/** The main job in six steps, on one cluster with two nodes. */
export type Step = 'apply' | 'edit' | 'reboot' | 'deselect' | 'select' | 'delete';

/** What a story was, as it is compared with the undisturbed one. */
export interface Account {
  /** What was to be seen at the end of each step. */
  readonly sights: ReadonlyMap<Step, Sight>;
  /** What each kernel was asked and did, in order. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  /** Write requests of each program, those that were refused or lost included. */
  readonly writes: { readonly hub: number; readonly spoke: number };
}

/** Goes wrong while a step is under way: begins before it and resolves when it is over. */
export type Disturbance = (stage: Stage, step: Step) => Promise<void>;

export const cluster = 'edge-1';
const module = 'nic';
const nodeNames = ['n1', 'n2'] as const;
/** A request that hangs costs the programs 10 s of the world's time, not the 30 s of the real one. */
const requestTimeoutMs = 10_000 / timeFactor;

/** The stage of the stories: each leaves it as it was. */
export async function startStoryStage(): Promise<Stage> {
  const nodes = [
    { name: 'n1', kernel: { release: kernels.el9 } },
    { name: 'n2', kernel: { release: kernels.debian } },
  ];
  const stage = await startStage([{ name: cluster, labels: { fleet: 'edge' }, nodes }], { requestTimeoutMs });
  const known = [kernels.el9, kernels.el9Next, kernels.debian];
  await pushDriver(stage.fleet, { repository: 'drivers/nic', module, kernels: known });
  await pushPlugin(stage.fleet, 'drivers/nic-plugin', 'v1');
  return stage;
}

/** Plays the story; with an account to compare with, each step ends when all looks as it did there. */
export async function play(stage: Stage, options: { disturb?: Disturbance; like?: Account } = {}): Promise<Account> {
  const { disturb, like } = options;
  const sights = new Map<Step, Sight>();
  const kernelOf = (node: string) => stage.fleet.spoke(cluster).node(node).kernel;
  const before = nodeNames.map((node) => kernelOf(node).history.length);
  const { requests: ofHub } = embeddedServer(stage.fleet.hub);
  const { requests: ofSpoke } = embeddedServer(stage.fleet.spoke(cluster).plane);
  ofHub.clear();
  ofSpoke.clear();
  for (const [step, { act, done }] of Object.entries(steps) as [Step, Scene][]) {
    const disturbed = disturb?.(stage, step);
    await act(stage);
    await disturbed;
    await eventually(`${step} is done`, () => done(stage));
    sights.set(step, await settled(stage, step, like?.sights.get(step)));
  }
  const writes = {
    hub: ofHub.writes({ user: programUsers.hub }).length,
    spoke: ofSpoke.writes({ user: programUsers.spoke }).length,
  };
  const histories = nodeNames.map((node, index) => [
    node,
    kernelOf(node)
      .history.slice(before[index])
      .map(({ call, name, parameters, errno }) => [call, name, parameters, errno].join(' ').trim()),
  ]);
  await restore(stage);
  return { sights, kernels: Object.fromEntries(histories), writes };
}

async function settled(stage: Stage, step: Step, expected: Sight | undefined): Promise<Sight> {
  if (expected !== undefined) {
    return eventually(`after ${step} all looks as without the fault`, async () => {
      const seen = await lookAt(stage, module, cluster);
      assert.deepEqual(seen, expected);
      return seen;
    });
  }
  // What follows the end of a step by itself, as a count in a status, takes the agents' poll and less.
  await sleep(stage.clock, 6_000);
  return lookAt(stage, module, cluster);
}

interface Scene {
  act(stage: Stage): Promise<unknown>;
  done(stage: Stage): boolean | Promise<boolean>;
}

const steps: Record<Step, Scene> = {
  apply: {
    act({ fleet, ...stage }) {
      const image = `${fleet.registry.host}/drivers/nic-plugin:v1`;
      const spec = driverSpec(fleet, 'drivers/nic', { devicePlugin: { container: { image } } });
      return stage.apply(module, fleetSpec(spec, { fleet: 'edge' }));
    },
    done: (stage) => isReady(stage, 1),
  },
  edit: {
    act: (stage) =>
      stage.edit(module, {
        moduleSpec: { moduleLoader: { container: { modprobe: { parameters: ['debug=1'] } } } },
      }),
    done: async (stage) => nodeNames.every((node) => lastLoad(stage, node) === 'debug=1') && isReady(stage, 1),
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
  delete: { act: (stage) => stage.remove(module), done: (stage) => isUnloaded(stage) },
};

async function isReady(stage: Stage, clusters: number): Promise<boolean> {
  const { status } = await stage.ready(module);
  return status?.numberDesired === clusters;
}

function lastLoad({ fleet }: Stage, node: string): string | undefined {
  const { history } = fleet.spoke(cluster).node(node).kernel;
  return history.findLast(({ call, errno }) => call === 'insert' && errno === undefined)?.parameters;
}

function isLoaded({ fleet }: Stage): boolean {
  return nodeNames.every((node) => loadedModules(fleet, cluster, node).includes(module));
}

function isUnloaded({ fleet }: Stage): boolean {
  return nodeNames.every((node) => !loadedModules(fleet, cluster, node).includes(module));
}

function label({ fleet }: Stage, value: string | null): Promise<unknown> {
  const body = { metadata: { labels: { fleet: value } } };
  return fleet.hub.client.patch(managedClusters, { name: cluster }, { type: 'merge', body });
}

/** The node gets its first kernel back, and the hub knows it. */
async function restore({ fleet }: Stage): Promise<void> {
  await fleet
    .spoke(cluster)
    .node('n1')
    .reboot({ kernel: { release: kernels.el9 } });
  await eventually('the claim names the first kernels again', async () => {
    const object = await fleet.hub.client.get(managedClusters, { name: cluster });
    const claim = object?.status?.clusterClaims?.find(({ name }) => name === kernelClaim);
    return claim?.value === [kernels.el9, kernels.debian].sort().join('\n');
  });
}
