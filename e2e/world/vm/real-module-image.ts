import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lifeline } from '../control-plane/lifeline.ts';
import { buildImage, type LayerEntry, type OciImage } from '../registry/oci-image.ts';
import { callKmod } from './kmod.ts';
import type { Parts } from './packages.ts';
import { programWithLibraries } from './program-files.ts';

const sleepProgram = '/bin/sleep';

/** A module image with real modules and Debian's own `modprobe` and `sleep`; no shell, no other program (checklist 53, 204). */
export async function buildRealModuleImage(options: {
  parts: Parts;
  lifeline: Lifeline;
  /** The folder below `/opt/lib/modules`. */
  kernel: string;
  /** `.ko` files by the module's name. */
  modules: Readonly<Record<string, Buffer>>;
  /** Files by path below `/firmware`. */
  firmware?: Readonly<Record<string, string>>;
  modulesDep?: boolean;
}): Promise<OciImage> {
  const { parts, lifeline, kernel, modules, firmware = {} } = options;
  const base = mkdtempSync(join(lifeline.folder, 'image-'));
  const folder = join(base, 'lib/modules', kernel);
  mkdirSync(join(folder, 'extra'), { recursive: true });
  for (const [name, content] of Object.entries(modules)) writeFileSync(join(folder, 'extra', `${name}.ko`), content);
  if (options.modulesDep !== false) await callKmod(parts, 'depmod', ['-b', base, kernel]);
  const entries: LayerEntry[] = Object.keys(modules).map((name) => moduleEntry(folder, kernel, `extra/${name}.ko`));
  const made = readdirSync(folder).filter((name) => name.startsWith('modules.'));
  for (const name of made) entries.push(moduleEntry(folder, kernel, name));
  for (const [path, content] of Object.entries(firmware)) entries.push({ path: `/firmware/${path}`, content });
  return buildImage({ layers: [await programs(parts), entries] });
}

function moduleEntry(folder: string, kernel: string, path: string): LayerEntry {
  return { path: `/opt/lib/modules/${kernel}/${path}`, content: readFileSync(join(folder, path)) };
}

async function programs({ kmod }: Parts): Promise<LayerEntry[]> {
  const entries = [
    ...(await programWithLibraries(kmod.program, '/usr/sbin/modprobe', kmod.libraries)),
    ...(await programWithLibraries(sleepProgram, '/usr/bin/sleep')),
  ];
  // Both use the C library.
  return [...new Map(entries.map((entry) => [entry.path, entry])).values()];
}
