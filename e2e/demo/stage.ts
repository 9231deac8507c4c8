import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { pushDriver, pushPlugin } from '../world/fleet/drivers.ts';
import { type Fleet, hubNamespace, operatorNamespace, startFleet } from '../world/fleet/fleet.ts';
import type { Plane } from '../world/fleet/plane.ts';
import { Processes } from '../world/node/processes.ts';
import { type ProgramProcess, type ProgramProcessOptions, startProgramProcess } from './program-process.ts';
import type { Progress } from './progress.ts';

/** Everything the demo plays on: the world, and the two programs as processes. */
export interface DemoStage {
  readonly fleet: Fleet;
  readonly programs: readonly ProgramProcess[];
  readonly plugin: string;
  readonly kubeconfigs: Readonly<Record<string, string>>;
  /** Ends everything; tells when a program did not end as it should. */
  close(): Promise<string | undefined>;
}

export const cluster = 'edge-1';
export const kernels = {
  first: '5.14.0-427.13.1.el9_4.x86_64',
  second: '6.1.0-28-amd64',
  next: '5.14.0-503.11.1.el9_5.x86_64',
} as const;

/** Whom the API servers see: the programs' service accounts. */
export const programUsers = {
  hub: `system:serviceaccount:${hubNamespace}:kmm-operator-hub-controller`,
  spoke: `system:serviceaccount:${operatorNamespace}:kmm-operator-controller`,
} as const;

/** `environment`: for both programs, beside what they need. */
export async function openStage(
  progress: Progress,
  environment: Readonly<Record<string, string>> = {},
): Promise<DemoStage> {
  const processes = new Processes();
  const fleet = await progress.step('a hub, a spoke cluster with two nodes, and a registry are up', startWorld);
  const plugin = await progress.step(
    'the vendor has pushed a driver for three kernels, and its device plugin',
    async () => {
      await pushDriver(fleet, {
        repository: 'drivers/fictional-nic',
        module: 'fictional_nic',
        kernels: Object.values(kernels),
      });
      return pushPlugin(fleet, 'drivers/fictional-nic-plugin', 'v1');
    },
  );
  const kubeconfigs: Record<string, string> = {};
  const programs = await progress.step('the hub and the spoke program are ready', async () => {
    kubeconfigs['hub'] = await writeKubeconfig(fleet, fleet.hub);
    kubeconfigs[cluster] = await writeKubeconfig(fleet, fleet.spoke(cluster).plane);
    const settings = await Promise.all([hubSettings(fleet), spokeSettings(fleet)]);
    return Promise.all(
      settings.map((own) =>
        startProgramProcess({
          ...own,
          environment: { ...own.environment, ...environment },
          processes,
          folder: fleet.folder,
        }),
      ),
    );
  });
  return {
    fleet,
    programs,
    plugin,
    kubeconfigs,
    async close() {
      const codes = await Promise.all(programs.map((program) => program.stop()));
      await fleet.stop();
      processes.stop();
      return codes.every((code) => code === 0)
        ? undefined
        : `expected both programs to end with 0 after SIGTERM, got ${codes}`;
    },
  };
}

function startWorld(): Promise<Fleet> {
  const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
  const nodes = [
    { name: 'node-a', kernel: { release: kernels.first } },
    { name: 'node-b', kernel: { release: kernels.second } },
  ];
  return startFleet({ spokes: [{ name: cluster, nodes, labels: { tier: 'edge' } }], runtime, timeFactor: 1 });
}

type ProgramSettings = Omit<ProgramProcessOptions, 'processes' | 'folder'>;

async function hubSettings(fleet: Fleet): Promise<ProgramSettings> {
  const caFile = join(fleet.folder, 'registry-ca.pem');
  await writeFile(caFile, fleet.registry.caPem);
  const environment = {
    KUBECONFIG: await writeKubeconfig(fleet, fleet.hub, programUsers.hub),
    OPERATOR_NAMESPACE: hubNamespace,
  };
  return { name: 'hub', configFile: await writeConfig(fleet, 'hub', { registry: { caFile } }), environment };
}

async function spokeSettings(fleet: Fleet): Promise<ProgramSettings> {
  const { plane } = fleet.spoke(cluster);
  const environment = {
    KUBECONFIG: await writeKubeconfig(fleet, plane, programUsers.spoke),
    OPERATOR_NAMESPACE: operatorNamespace,
    RELATED_IMAGE_WORKER: fleet.toolsImage,
    KMM_MANAGED: '1',
  };
  return { name: 'spoke', configFile: await writeConfig(fleet, 'spoke', {}), environment };
}

async function writeKubeconfig(fleet: Fleet, plane: Plane, user?: string): Promise<string> {
  const file = join(fleet.folder, `${plane.name}-${user === undefined ? 'admin' : 'program'}.kubeconfig`);
  await writeFile(file, plane.server.kubeconfig(user), { mode: 0o600 });
  return file;
}

async function writeConfig(fleet: Fleet, name: string, more: Record<string, unknown>): Promise<string> {
  const file = join(fleet.folder, `${name}-config.yaml`);
  const common = { healthProbeBindAddress: '127.0.0.1:0', metrics: { bindAddress: '127.0.0.1:0' } };
  await writeFile(file, stringify({ ...common, ...more }));
  return file;
}
