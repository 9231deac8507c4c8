import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Lifeline } from '../control-plane/lifeline.ts';
import { buildImage, type LayerEntry, type OciImage } from '../registry/oci-image.ts';
import { callKmod } from './kmod.ts';
import type { Parts } from './packages.ts';

const execute = promisify(execFile);
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

/** Programs of this machine's Debian, with the libraries that they are linked to, at the places where they are looked for. */
async function programs(parts: Parts): Promise<LayerEntry[]> {
  const { program, libraries } = parts.kmod;
  const environment = { LD_LIBRARY_PATH: libraries, PATH: process.env['PATH'] };
  const { stdout } = await execute('ldd', [program, sleepProgram, join(libraries, 'libkmod.so.2')], {
    env: environment,
  });
  const found = new Set([...stdout.matchAll(/(\/\S+\.so\S*) \(0x/g)].flatMap(([, path = '']) => path));
  const executable = (path: string, from: string): LayerEntry => ({ path, content: readFileSync(from), mode: 0o755 });
  return [
    executable('/usr/sbin/modprobe', program),
    executable('/usr/bin/sleep', sleepProgram),
    executable('/usr/lib/x86_64-linux-gnu/libkmod.so.2', join(libraries, 'libkmod.so.2')),
    ...[...found].map((path) => executable(path, path)),
  ];
}
