import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { stringify } from 'yaml';
import { seriesValue } from '../../../shared/testing/exposition.ts';
import { type ProgramProcess, startProgramProcess } from '../../demo/program-process.ts';
import { hubNamespace } from '../../world/fleet/users.ts';
import type { Processes } from '../../world/node/processes.ts';

/** The hub's program in a process of its own: what it takes is the hub's alone. */
export interface HubProcess extends Pick<ProgramProcess, 'alive' | 'stop'> {
  /** User and system, since its start. */
  cpuSeconds(): number;
  residentMiB(): number;
  /** The most that it ever was. */
  peakMiB(): number;
  /** 99 of 100 times the event loop was less late, since the last look. */
  eventLoopMs(): Promise<number>;
}

export interface HubProcessOptions {
  readonly processes: Processes;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly registryCa: string;
  /** Gets a CPU profile when the hub ends. */
  readonly profileFolder?: string | undefined;
  readonly nodeOptions: string;
}

/** Ticks of /proc/PID/stat a second, on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Ready, and with the default configuration but for addresses. Linux only. */
export async function startHubProcess(options: HubProcessOptions): Promise<HubProcess> {
  const { processes, folder, kubeconfig, registryCa, profileFolder } = options;
  const [config, caFile, KUBECONFIG] = ['hub.yaml', 'registry-ca.pem', 'hub.kubeconfig'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const settings = {
    healthProbeBindAddress: '127.0.0.1:0',
    metrics: { bindAddress: '127.0.0.1:0', secureServing: false, enableAuthnAuthz: false },
    registry: { caFile },
  };
  await Promise.all([
    writeFile(config, stringify(settings)),
    writeFile(caFile, registryCa),
    writeFile(KUBECONFIG, kubeconfig),
  ]);
  const profile = profileFolder === undefined ? '' : ` --cpu-prof --cpu-prof-dir=${profileFolder}`;
  const program = await startProgramProcess({
    processes,
    name: 'hub',
    config,
    folder,
    environment: { KUBECONFIG, OPERATOR_NAMESPACE: hubNamespace, NODE_OPTIONS: `${options.nodeOptions}${profile}` },
  });
  const { pid, alive } = program;
  return {
    alive,
    stop: () => program.stop(),
    cpuSeconds: () => cpuSeconds(pid),
    residentMiB: () => statusMiB(pid, 'VmRSS'),
    peakMiB: () => statusMiB(pid, 'VmHWM'),
    async eventLoopMs() {
      const { body } = await request(`${program.urlOf('serving metrics')}/metrics`);
      const page = await body.text();
      return 1000 * (seriesValue(page, 'kmm_event_loop_delay_seconds', { quantile: '0.99' }) ?? Number.NaN);
    },
  };
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may hold anything: fields 3 and on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** In units of 1,048,576 bytes. */
function statusMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`expected ${field} in /proc/${pid}/status`);
  return Number(kib) / 1024;
}
