import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type KoInfo, koFile, modulesDep, parseKo, vermagicOf } from './ko.ts';
import type { LoadedModule } from './module-table.ts';

export interface InTreeModule {
  /** As in the file name; `-` and `_` are equal to the kernel. */
  name: string;
  depends?: readonly string[];
  /** In the kernel from boot on. */
  loaded?: boolean;
}

/** The key that signs in-tree modules: every kernel trusts its own. */
export const kernelSigner = 'kernel build key';

/** Path below `/lib/modules/<release>`. */
export function inTreePath(name: string): string {
  return `kernel/drivers/${name}.ko`;
}

export function inTreeKo(module: InTreeModule, release: string): Buffer {
  const { name, depends } = module;
  return koFile({ name, vermagic: vermagicOf(release), signedBy: kernelSigner, ...(depends && { depends }) });
}

/** The files of an installed kernel: modules, `modules.dep`, `modules.builtin`. An earlier release's folder stays. */
export async function writeLibModules(
  folder: string,
  kernel: { release: string; inTree: readonly InTreeModule[]; builtIn: readonly string[] },
): Promise<void> {
  const files = new Map<string, KoInfo>();
  await rm(folder, { recursive: true, force: true });
  for (const module of kernel.inTree) {
    const bytes = inTreeKo(module, kernel.release);
    const path = inTreePath(module.name);
    files.set(path, parseKo(bytes)!);
    await writeFileAtomically(join(folder, path), bytes);
  }
  await writeFileAtomically(join(folder, 'modules.dep'), modulesDep(files));
  const builtIn = kernel.builtIn.map((name) => `kernel/builtin/${name}.ko\n`).join('');
  await writeFileAtomically(join(folder, 'modules.builtin'), builtIn);
}

export async function writeProc(folder: string, boot: { release: string; bootId: string }): Promise<void> {
  await writeFileAtomically(join(folder, 'sys/kernel/osrelease'), `${boot.release}\n`);
  await writeFileAtomically(join(folder, 'sys/kernel/random/boot_id'), `${boot.bootId}\n`);
}

/** `/proc/modules`: name, size, use count, holders, state, address, taint. */
export async function writeProcModules(folder: string, modules: readonly LoadedModule[]): Promise<void> {
  const lines = modules.map(({ name, useCount, holders, outOfTree }) => {
    const users = holders.length === 0 ? '-' : `${holders.join(',')},`;
    return `${name} 16384 ${useCount} ${users} Live 0x0000000000000000${outOfTree ? ' (OE)' : ''}\n`;
  });
  await writeFileAtomically(join(folder, 'modules'), lines.join(''));
}

/** What a tmpfs is after a reboot. */
export async function emptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true, force: true });
}

/** Readers see the old or the new content, never a part: the loader script reads while modules come and go. */
async function writeFileAtomically(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}
