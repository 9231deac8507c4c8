import { modulesDep, parseKo } from '../kernel/ko.ts';
import { modprobeScript } from '../kernel/modprobe-script.ts';
import { buildImage, type ImagePlatform, type LayerEntry, type OciImage } from './oci-image.ts';

export interface ModuleImageOptions {
  /** By kernel version, the `.ko` files by name: they stand in `<dirName>/lib/modules/<kernel>/`, below `folder`. */
  kernels: Record<string, Record<string, Buffer>>;
  /** Files of the host's kernel that ours need, by path below `kernel/`: in `modules.dep`, not in the image. */
  hostModules?: Record<string, Buffer>;
  dirName?: string;
  /** With a `/` at its end; `extra/` by default. */
  folder?: string;
  /** False: as if depmod was never run. */
  modulesDep?: boolean;
  /** False: an image that cannot load anything. */
  modprobe?: boolean;
  /** Files by path below `/firmware`. */
  firmware?: Record<string, string>;
  /** In a file of its own, so that equal modules make images of different digests. */
  comment?: string;
  platform?: ImagePlatform;
}

const sleepProgram: LayerEntry = {
  path: '/usr/bin/sleep',
  content: '#!/bin/sh\nexec /bin/sleep "$@"\n',
  mode: 0o755,
};
const modprobeProgram: LayerEntry = { path: '/usr/sbin/modprobe', content: modprobeScript, mode: 0o755 };

/** What a module image has beside its modules: both work in modelled nodes, whatever else the image holds. */
export const moduleImagePrograms: readonly LayerEntry[] = [sleepProgram, modprobeProgram];

/**
 * A module image as the documentation asks for: `.ko` files, `modules.dep`, a link to the host's in-tree modules, and
 * `modprobe` and `sleep` in PATH. No shell (checklist 53, 204).
 */
export function buildModuleImage(options: ModuleImageOptions): Promise<OciImage> {
  const { dirName = '/opt', comment, firmware = {} } = options;
  const programs = options.modprobe === false ? [sleepProgram] : moduleImagePrograms;
  const files: LayerEntry[] = Object.keys(options.kernels).flatMap((kernel) => kernelEntries(options, dirName, kernel));
  for (const [path, content] of Object.entries(firmware)) files.push({ path: `/firmware/${path}`, content });
  if (comment !== undefined) files.push({ path: '/comment', content: comment });
  return buildImage({ layers: [programs, files], ...(options.platform && { platform: options.platform }) });
}

function kernelEntries(options: ModuleImageOptions, dirName: string, kernel: string): LayerEntry[] {
  const folder = `${dirName}/lib/modules/${kernel}`;
  const { folder: below = 'extra/' } = options;
  const modules = Object.entries(options.kernels[kernel] ?? {});
  const entries: LayerEntry[] = modules.map(([name, content]) => ({ path: `${folder}/${below}${name}`, content }));
  entries.push({ path: `${folder}/kernel`, linkTo: `/lib/modules/${kernel}/kernel` });
  if (options.modulesDep === false) return entries;
  const known = [
    ...modules.map(([name, content]) => [`${below}${name}`, parseKo(content)] as const),
    ...Object.entries(options.hostModules ?? {}).map(
      ([path, content]) => [`kernel/${path}`, parseKo(content)] as const,
    ),
  ];
  const valid = new Map(known.flatMap(([path, info]) => (info === undefined ? [] : [[path, info] as const])));
  return [...entries, { path: `${folder}/modules.dep`, content: modulesDep(valid) }];
}
