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
import { type DemoBuilder, kernelOf, prepareBuilder, trustedCa } from './builder.ts';
import type { BuilderChoice } from './builder-choice.ts';
import { accelerator, kernels, network, spokesWith } from './cast.ts';
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
  /** With `StageOptions.builder` only. */
  readonly builder: DemoBuilder | undefined;
  /** An administrator's kubeconfig file by control plane. */
  readonly kubeconfigs: Readonly<Record<string, string>>;
  /** Ends everything; tells when a program did not end as it should. */
  close(): Promise<string | undefined>;
}

/** Repository of the network driver's next release. */
export const nextRepository = `${network.repository}-2`;

export interface StageOptions {
  /** For all programs, beside what they need. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Who builds; without, the hub makes no images. */
  readonly builder?: BuilderChoice;
}

export async function openStage(progress: Progress, options: StageOptions = {}): Promise<DemoStage> {
  const { environment = {}, builder: choice } = options;
  const processes = new Processes();
  const fleet = await progress.step('a hub, three clusters with nine nodes, and a registry are up', () =>
    startWorld(choice),
  );
  progress.print("      (stand-ins; that of OCM's work agent polls every second, the real one every 10 to 19)");
  const { plugin, builder } = await progress.step('the vendors have pushed their drivers and a device plugin', () =>
    pushAll(fleet, choice),
  );
  const planes = [fleet.hub, ...fleet.spokes.map(({ plane }) => plane)];
  const kubeconfigs: Record<string, string> = {};
  const actors = await progress.step('the hub program and three spoke programs are ready', async () => {
    for (const plane of planes) kubeconfigs[plane.name] = await writeKubeconfig(fleet, plane);
    return Promise.all(planes.map((plane) => startActor(fleet, { plane, processes, environment, builder })));
  });
  return {
    fleet,
    actors,
    plugin,
    builder,
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

function startWorld(choice: BuilderChoice | undefined): Promise<StandInFleet> {
  const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
  const spokes = spokesWith(choice ? kernelOf(choice) : kernels.debian);
  return startFleet({ spokes, runtime, timeFactor: 1, builder: choice !== undefined });
}

async function pushAll(fleet: Fleet, choice: BuilderChoice | undefined) {
  const everywhere = [...new Set([...Object.values(kernels), ...(choice ? [kernelOf(choice)] : [])])];
  const { kernelModule, repository } = network;
  await pushDriver(fleet, { repository, module: kernelModule, kernels: everywhere, release: '1' });
  await pushDriver(fleet, { repository: nextRepository, module: kernelModule, kernels: everywhere, release: '2' });
  const { before } = accelerator;
  await pushDriver(fleet, { ...accelerator, module: accelerator.kernelModule, also: [before], kernels: everywhere });
  const plugin = await pushPlugin(fleet, `${accelerator.repository}-plugin`, 'v1');
  return { plugin, builder: choice && (await prepareBuilder(fleet, choice)) };
}

/** The program that belongs on `plane`, started as in production: kubeconfig, environment, configuration file. */
async function startActor(
  fleet: Fleet,
  what: Pick<DemoStage, 'builder'> & {
    plane: Plane;
    processes: Processes;
    environment: Readonly<Record<string, string>>;
  },
): Promise<Actor> {
  const { plane, processes } = what;
  const name = plane === fleet.hub ? 'hub' : 'spoke';
  const KUBECONFIG = await writeKubeconfig(fleet, plane, programUsers[name]);
  const own: Record<string, string> =
    name === 'hub'
      ? { KUBECONFIG, OPERATOR_NAMESPACE: hubNamespace }
      : { KUBECONFIG, OPERATOR_NAMESPACE: operatorNamespace, RELATED_IMAGE_WORKER: fleet.toolsImage, KMM_MANAGED: '1' };
  const config = await writeConfig(fleet, plane, what.builder);
  const environment = { ...own, ...what.environment };
  const program = await startProgramProcess({ processes, name, config, environment, folder: fleet.folder });
  return { plane, program };
}

async function writeKubeconfig(fleet: Fleet, plane: Plane, user?: string): Promise<string> {
  const file = join(fleet.folder, `${plane.name}-${user === undefined ? 'admin' : 'program'}.kubeconfig`);
  await writeFile(file, await plane.kubeconfig(user), { mode: 0o600 });
  return file;
}

async function writeConfig(fleet: Fleet, plane: Plane, builder: DemoBuilder | undefined): Promise<string> {
  const loopback = { healthProbeBindAddress: '127.0.0.1:0', metrics: { bindAddress: '127.0.0.1:0' } };
  const file = join(fleet.folder, `${plane.name}-config.yaml`);
  if (plane !== fleet.hub) {
    await writeFile(file, stringify(loopback));
    return file;
  }
  const caFile = join(fleet.folder, 'registry-ca.pem');
  await writeFile(caFile, fleet.registry.caPem);
  const making = builder && {
    images: { builder: builder.image, signer: fleet.signerImage },
    builds: { trustedCA: trustedCa },
    // What has been made can be looked at: by default a Job goes when its image is verified.
    job: { gcDelay: '10m' },
  };
  await writeFile(file, stringify({ ...loopback, registry: { caFile }, ...making }));
  return file;
}
