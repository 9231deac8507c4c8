import { accessSync, constants, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import { withLock } from '../control-plane/lock.ts';
import { run } from './run.ts';
import { say } from './say.ts';

/** The programs that we run and Debian 12 has, with the package that brings each. */
export const packageOf = {
  'docker-registry': 'docker-registry',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
  skopeo: 'skopeo',
  unshare: 'util-linux',
  'qemu-system-x86_64': 'qemu-system-x86',
} as const;

export type DebianProgram = keyof typeof packageOf;

/** What this machine cannot give: a test says it and is skipped (`skip-loudly.ts`). */
export class PartsMissing extends Error {
  override name = 'PartsMissing';
}

/** Either all are there, or what to tell somebody who wants them. */
export type DebianPrograms =
  | { kind: 'there'; pathOf(program: DebianProgram): string }
  | { kind: 'missing'; message: string };

/** What finding and installing takes from the machine; tests pass their own. */
export interface PackagesHost {
  find(program: string): string | undefined;
  /** Why nothing can be installed here; undefined where it can. */
  refusal: string | undefined;
  install(packages: readonly string[]): Promise<void>;
}

export function packagesHost(): PackagesHost {
  return { find: findProgram, refusal: refusalHere(), install };
}

/** Finds the programs, or installs their packages where this process is root and there is apt-get. Throws nothing that a machine can be to blame for. */
export async function debianPrograms(
  wanted: readonly DebianProgram[],
  host: PackagesHost = packagesHost(),
): Promise<DebianPrograms> {
  const missing = () => wanted.filter((program) => host.find(program) === undefined);
  let why = host.refusal;
  if (missing().length > 0 && why === undefined) {
    try {
      await host.install(packagesOf(missing()));
    } catch (error) {
      why = errorMessage(error);
    }
  }
  const left = missing();
  if (left.length > 0)
    return { kind: 'missing', message: missingMessage(left, why ?? 'installing did not bring them') };
  return { kind: 'there', pathOf: (program) => host.find(program) ?? program };
}

function missingMessage(missing: readonly DebianProgram[], why: string): string {
  const packages = packagesOf(missing).join(' ');
  return (
    `debian: expected ${missing.join(', ')} on the PATH, got none, and they were not installed: ${why}. ` +
    `Two ways out: run this as root on Debian 12 (they are installed then), or install them yourself: apt-get install ${packages}.`
  );
}

function packagesOf(programs: readonly DebianProgram[]): string[] {
  return [...new Set(programs.map((program) => packageOf[program]))].sort();
}

/** Those of the administrator stand outside of many users' PATH. */
function findProgram(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}

function refusalHere(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may install packages';
  return findProgram('apt-get') === undefined ? 'there is no apt-get here' : undefined;
}

/** One at a time, as apt wants it: several test processes may find the same package missing. */
export function aloneWithApt(work: () => Promise<void>): Promise<void> {
  const waiting = (holder: string) => say(`process ${holder} uses apt: waiting for it`);
  return withLock(join(tmpdir(), 'kmm-debian.lock'), waiting, work);
}

async function install(packages: readonly string[]): Promise<void> {
  await aloneWithApt(async () => {
    const began = systemClock.now();
    say(`installing ${packages.join(', ')} …`);
    const quiet = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
    // A registry that Debian would start as a service is none of ours: ours run in the tests' folders.
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await run('apt-get', ['update', ...quiet], { environment });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', ...quiet, ...packages], { environment });
    say(`installed in ${Math.round((systemClock.now() - began) / 1000)} s`);
  });
}
