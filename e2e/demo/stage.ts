import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import {
  type Fleet,
  hubNamespace,
  operatorNamespace,
  programUsers,
  type StandInFleet,
  startFleet,
} from '../world/fleet/fleet.ts';
import type { Plane } from '../world/fleet/plane.ts';
import { Processes } from '../world/node/processes.ts';
import { accelerator, kernels, network, spokes } from './cast.ts';
import { type ProgramProcess, startProgramProcess } from './program-process.ts';
import type { Progress } from './progress.ts';

/** A program of ours, and the control plane that it works on. */
export interface Actor {
  readonly plane: Plane;
  readonly program: ProgramProcess;
}

/** Everything the demo plays on: the world, and our programs as processes. */
export interface DemoStage {
  readonly fleet: StandInFleet;
  /** The hub's first, then one for each cluster. */
  readonly actors: readonly Actor[];
  /** Image of the accelerator's device plugin. */
  readonly plugin: string;
  /** An administrator's kubeconfig file by control plane. */
  readonly kubeconfigs: Readonly<Record<string, string>>;
  /** Ends everything; tells when a program did not end as it should. */
  close(): Promise<string | undefined>;
}

/** Repository of the network driver's next release. */
export const nextRepository = `${network.repository}-2`;

/** `environment`: for all programs, beside what they need. */
export async function openStage(
  progress: Progress,
  environment: Readonly<Record<string, string>> = {},
): Promise<DemoStage> {
  const processes = new Processes();
  const fleet = await progress.step('a hub, three clusters with nine nodes, and a registry are up', startWorld);
  progress.print("      (stand-ins; that of OCM's work agent polls every second, the real one every 10 to 19)");
  const plugin = await progress.step('the vendors have pushed their drivers and a device plugin', () => pushAll(fleet));
  const planes = [fleet.hub, ...fleet.spokes.map(({ plane }) => plane)];
  const kubeconfigs: Record<string, string> = {};
  const actors = await progress.step('the hub program and three spoke programs are ready', async () => {
    for (const plane of planes) kubeconfigs[plane.name] = await writeKubeconfig(fleet, plane);
    return Promise.all(planes.map((plane) => startActor(fleet, { plane, processes, environment })));
  });
  return {
    fleet,
    actors,
    plugin,
    kubeconfigs,
    async close() {
      const codes = await Promise.all(actors.map(({ program }) => program.stop()));
      await fleet.stop();
      processes.stop();
      return codes.every((code) => code === 0)
        ? undefined
        : `expected all programs to end with 0 after SIGTERM, got ${codes}`;
    },
  };
}

function startWorld(): Promise<StandInFleet> {
  const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
  return startFleet({ spokes, runtime, timeFactor: 1 });
}

async function pushAll(fleet: Fleet): Promise<string> {
  const everywhere = Object.values(kernels);
  const { kernelModule, repository } = network;
  await pushDriver(fleet, { repository, module: kernelModule, kernels: everywhere, release: '1' });
  await pushDriver(fleet, { repository: nextRepository, module: kernelModule, kernels: everywhere, release: '2' });
  const { before } = accelerator;
  await pushDriver(fleet, { ...accelerator, module: accelerator.kernelModule, also: [before], kernels: everywhere });
  return pushPlugin(fleet, `${accelerator.repository}-plugin`, 'v1');
}

/** The program that belongs on `plane`, started as in production: kubeconfig, environment, configuration file. */
async function startActor(
  fleet: Fleet,
  what: { plane: Plane; processes: Processes; environment: Readonly<Record<string, string>> },
): Promise<Actor> {
  const { plane, processes } = what;
  const name = plane === fleet.hub ? 'hub' : 'spoke';
  const KUBECONFIG = await writeKubeconfig(fleet, plane, programUsers[name]);
  const own: Record<string, string> =
    name === 'hub'
      ? { KUBECONFIG, OPERATOR_NAMESPACE: hubNamespace }
      : { KUBECONFIG, OPERATOR_NAMESPACE: operatorNamespace, RELATED_IMAGE_WORKER: fleet.toolsImage, KMM_MANAGED: '1' };
  const config = await writeConfig(fleet, plane);
  const environment = { ...own, ...what.environment };
  const program = await startProgramProcess({ processes, name, config, environment, folder: fleet.folder });
  return { plane, program };
}

async function writeKubeconfig(fleet: Fleet, plane: Plane, user?: string): Promise<string> {
  const file = join(fleet.folder, `${plane.name}-${user === undefined ? 'admin' : 'program'}.kubeconfig`);
  await writeFile(file, await plane.kubeconfig(user), { mode: 0o600 });
  return file;
}

async function writeConfig(fleet: Fleet, plane: Plane): Promise<string> {
  const loopback = { healthProbeBindAddress: '127.0.0.1:0', metrics: { bindAddress: '127.0.0.1:0' } };
  const file = join(fleet.folder, `${plane.name}-config.yaml`);
  if (plane !== fleet.hub) {
    await writeFile(file, stringify(loopback));
    return file;
  }
  const caFile = join(fleet.folder, 'registry-ca.pem');
  await writeFile(caFile, fleet.registry.caPem);
  await writeFile(file, stringify({ ...loopback, registry: { caFile } }));
  return file;
}
