import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { arch, homedir, platform } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/core/clock.ts';
import { assetsFolder, type Environment, goMessage, missingMessage } from './assets-folder.ts';
import { downloadModules, type Go, goIn, goVersion, isAtLeast, type Say } from './go.ts';
import { lives, withLock } from './lock.ts';
import { buildArguments, type GoModule, goModuleOf, keyOf, type Program, type Release } from './releases.ts';

const tellAgainMs = 30_000;

/** Ready binaries of one release. */
export interface Assets {
  folder: string;
  pathOf(program: Program): string;
}

/** What finding and building takes from the process; tests pass their own. */
export interface AssetsHost {
  environment: Environment;
  home: string;
  /** One line of progress. */
  say: Say;
  go(folder: string): Go;
}

export function assetsHost(): AssetsHost {
  return {
    environment: process.env,
    home: homedir(),
    say: (line) => void process.stderr.write(`control plane: ${line}\n`),
    go: (folder) => goIn(folder, process.env),
  };
}

/**
 * The binaries of a release: from the folder that the environment names, or from the user's cache, where they are built
 * when they are not there yet (minutes). Throws when a named folder lacks one, and when they cannot be built here.
 */
export async function findAssets(release: Release, host: AssetsHost = assetsHost()): Promise<Assets> {
  const module = goModuleOf(release);
  const key = keyOf(module, `${platform()}-${arch()}`);
  const place = assetsFolder({ environment: host.environment, home: host.home, release, key });
  const { folder } = place;
  if (place.from === 'cache') {
    await buildMissing(module, folder, host);
  } else if (missing(module, folder).length > 0) {
    const { from } = place;
    throw new Error(missingMessage({ from, folder, expected: module.programs, got: namesIn(folder) }));
  }
  return { folder, pathOf: (program) => join(folder, program) };
}

async function buildMissing(module: GoModule, folder: string, host: AssetsHost): Promise<void> {
  if (missing(module, folder).length === 0) return;
  const go = host.go(module.folder);
  const got = await goVersion(go);
  if (got === undefined || !isAtLeast(got, module.goVersion)) {
    throw new Error(goMessage({ needed: module.goVersion, got, folder }));
  }
  const waiting = (holder: string) => host.say(`process ${holder} builds Kubernetes ${module.release}: waiting for it`);
  await withLock(`${folder}.lock`, waiting, () => build({ module, folder, go, say: host.say }));
}

/** A program is built under another name and then moved: what has its own name is whole, also after a broken build. */
async function build(options: { module: GoModule; folder: string; go: Go; say: Say }): Promise<void> {
  const { module, folder, go, say } = options;
  const wanted = missing(module, folder);
  if (wanted.length === 0) return;
  mkdirSync(folder, { recursive: true });
  removeParts(folder);
  const began = systemClock.now();
  say(`building ${wanted.join(', ')} of Kubernetes ${module.kubernetesVersion}, once for this machine (minutes) …`);
  await downloadModules(go, say);
  say(`the Go modules are there after ${secondsSince(began)}`);
  for (const program of wanted) {
    const startedMs = systemClock.now();
    say(`building ${program} …`);
    const part = join(folder, `${program}.${process.pid}.part`);
    const arguments_ = ['build', ...buildArguments(module.kubernetesVersion), '-o', part, `./${program}`];
    const run = await tellingTime(`building ${program}`, say, () => go(...arguments_));
    if (run.code !== 0) throw new Error(`control plane: "go build ./${program}" failed: ${run.stderr.trim()}`);
    renameSync(part, join(folder, program));
    say(`built ${program} in ${secondsSince(startedMs)}`);
  }
  say(`ready in ${folder} after ${secondsSince(began)}`);
}

/** On a busy machine the API server takes a quarter of an hour: somebody who waits sees that it goes on. */
async function tellingTime<T>(what: string, say: Say, work: () => Promise<T>): Promise<T> {
  const began = systemClock.now();
  const tell = () => {
    say(`still ${what} after ${secondsSince(began)} …`);
    cancel = systemClock.after(tellAgainMs, tell);
  };
  let cancel = systemClock.after(tellAgainMs, tell);
  try {
    return await work();
  } finally {
    cancel();
  }
}

/** What builds that were killed have left. */
function removeParts(folder: string): void {
  for (const name of namesIn(folder) ?? []) {
    const [, pid] = /\.(\d+)\.part$/.exec(name) ?? [];
    if (pid !== undefined && !lives(Number(pid))) rmSync(join(folder, name));
  }
}

function missing(module: GoModule, folder: string): Program[] {
  return module.programs.filter((program) => !isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return false;
    throw error;
  }
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function secondsSince(beganMs: number): string {
  return `${Math.round((systemClock.now() - beganMs) / 1000)} s`;
}
