import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { programContainer } from '../../shared/testing/deployed.ts';
import { eventually } from '../world/eventually.ts';
import type { Processes } from '../world/node/processes.ts';

/** One of our programs as a process of its own, started as in production. */
export interface ProgramProcess {
  readonly name: 'hub' | 'spoke';
  readonly pid: number;
  /** The address that it has logged with this text. Throws when it has logged none. */
  urlOf(text: 'serving health' | 'serving metrics'): string;
  /** Rejects when the process ends before `stop`. */
  readonly alive: Promise<never>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
}

export interface ProgramProcessOptions {
  readonly processes: Processes;
  readonly name: 'hub' | 'spoke';
  /** Of `--config`. */
  readonly config: string;
  /** Beside and instead of `memorySettings`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
}

const logLinesKept = 200;
const repository = fileURLToPath(new URL('../..', import.meta.url));
const mainOf = (name: string) => `${repository}${name}/main.ts`;

/** The two settings of docs/guides/real-cluster.md ("Memory"). */
function memorySettings(name: ProgramProcess['name']): Record<string, string> {
  return { NODE_OPTIONS: nodeOptionsOf(name), NODE_COMPILE_CACHE: `${repository}node_modules/.cache/compile` };
}

/** As the program's Deployment in `deploy/` says. */
export function nodeOptionsOf(name: ProgramProcess['name']): string {
  const options = programContainer(name).env.find((variable) => variable.name === 'NODE_OPTIONS')?.value;
  if (options === undefined) throw new Error(`deploy/${name}: expected NODE_OPTIONS in the Deployment, got none`);
  return options;
}

/** Fills the compile cache: the program is refused for want of settings, but all its code has been compiled by then. */
export function compileProgram(name: ProgramProcess['name']): void {
  const { status } = spawnSync(process.execPath, [mainOf(name)], { env: memorySettings(name), stdio: 'ignore' });
  if (status !== 1) throw new Error(`expected ${name}/main.ts to refuse to start with exit code 1, got ${status}`);
}

/** Starts the program and waits until its `/readyz` says ok. */
export async function startProgramProcess(options: ProgramProcessOptions): Promise<ProgramProcess> {
  const { processes, name, config, environment, folder } = options;
  const log: string[] = [];
  const child = await processes.start({
    argv: [process.execPath, mainOf(name), '--config', config],
    folder,
    environment: { PATH: process.env['PATH'] ?? '', HOME: folder, ...memorySettings(name), ...environment },
    onOutput: (text) => {
      log.push(...text.split('\n').filter((line) => line !== ''));
      log.splice(0, log.length - logLinesKept);
    },
  });
  let stopping = false;
  const alive = new Promise<never>((_resolve, reject) => {
    void child.exited.then((code) => {
      const last = log.slice(-10).join('\n');
      if (!stopping) reject(new Error(`expected ${name}/main.ts to go on, it ended with exit code ${code}:\n${last}`));
    });
  });
  // Waited for by whoever runs a step; between steps nobody does.
  alive.catch(() => undefined);
  const ready = eventually(`${name}/main.ts is ready`, () => isReady(log));
  await Promise.race([ready, alive]);
  return {
    name,
    pid: child.pid,
    urlOf(text) {
      const url = loggedUrl(log, text);
      if (url === undefined)
        throw new Error(`expected ${name}/main.ts to have logged "${text}", got\n${log.join('\n')}`);
      return url;
    },
    alive,
    async stop() {
      stopping = true;
      child.signal('SIGTERM');
      return child.exited;
    },
  };
}

/** Asks the page whose address the program has logged: the port was free, not chosen. */
async function isReady(log: readonly string[]): Promise<boolean> {
  const url = loggedUrl(log, 'serving health');
  if (url === undefined) return false;
  const { statusCode, body } = await request(`${url}/readyz`);
  await body.dump();
  return statusCode === 200;
}

function loggedUrl(log: readonly string[], text: string): string | undefined {
  return log.map(parsed).find((entry) => entry?.msg === text)?.url;
}

function parsed(line: string): { msg?: string; url?: string } | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as { msg?: string; url?: string }) : undefined;
}
