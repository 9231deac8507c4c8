import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageTarget, RegistryClient } from '../../../shared/registry/client.ts';
import { cacheFolder, cachePlace } from '../cache-folder.ts';
import { abi, debianKernels, flavour, headersVersion, unpackHeaders } from '../debian/kernels.ts';
import { run } from '../debian/run.ts';
import { keptLayer, type LayerFile, layerFile, pushLayers } from './layer-file.ts';

/** Change it when what is made below changes: what is cached is then made anew. */
const edition = 2;
const suite = 'bookworm';
/** Every build copies the image twice: what no module is built with costs seconds each time. */
const unneeded = [
  'var/cache/apt',
  'var/lib/apt/lists',
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/lib/gcc/*/*/lto1',
  'usr/bin/*lto-dump*',
  'usr/lib/*/lib[atl]san.*',
  'usr/lib/*/libubsan.*',
  'usr/lib/gcc/*/*/lib*san.a',
];
/** What the modules' own base image has beside `modprobe`: enough for a Dockerfile's RUN and for somebody who looks around. */
const basePrograms = 'sh sleep cat cp ls mkdir rm ln mv env kmod lsmod modinfo modprobe insmod rmmod depmod'.split(' ');

/** Base images without a public registry, made of Debian's packages. */
export interface Toolkit {
  /** Two kernels of Debian, the older first. */
  kernels: readonly [string, string];
  /** What OpenShift calls a driver toolkit: compiler, make, kmod and one kernel's headers. */
  toolkitOf(kernel: string): readonly LayerFile[];
  /** Debian's `modprobe` and `depmod` with a shell: what module images are based on. */
  base: readonly LayerFile[];
}

/** Names in the cache. */
const compilerLayer = `compiler-${suite}-${edition}`;
const baseLayer = `base-${suite}-${edition}`;

/** From the user's cache; the first time it takes a minute, root and `debootstrap`, whose path is asked for. */
export async function prepareToolkit(debootstrap: string): Promise<Toolkit> {
  const folder = cacheFolder('toolkit');
  const compiler = await layerFile(folder, compilerLayer, (root) => fillCompiler(debootstrap, root));
  const base = await layerFile(folder, baseLayer, (root) => fillBase(compiler, root));
  const kernels = await debianKernels();
  const headers = new Map<string, LayerFile>();
  for (const kernel of kernels) {
    const name = `headers-${kernel}-${await headersVersion(kernel)}-${edition}`;
    headers.set(kernel, await layerFile(folder, name, (root) => unpackHeaders(kernel, root)));
  }
  return {
    kernels,
    base: [base],
    toolkitOf(kernel) {
      const own = headers.get(kernel);
      if (own === undefined) throw new Error(`expected one of the kernels ${kernels.join(', ')}, got ${kernel}`);
      return [compiler, own];
    },
  };
}

/** A toolkit for one kernel. */
export interface KeptToolkit {
  kernel: string;
  toolkit: readonly LayerFile[];
  base: readonly LayerFile[];
}

/** What `prepareToolkit` has left in the user's cache, for the newest kernel in it. Makes and fetches nothing. */
export function keptToolkit(): KeptToolkit | undefined {
  const folder = cachePlace('toolkit');
  const [compiler, base] = [compilerLayer, baseLayer].map((name) => keptLayer(folder, name));
  const newest = existsSync(folder) ? newestHeaders(readdirSync(folder)) : undefined;
  const headers = newest && keptLayer(folder, newest.layer);
  if (compiler === undefined || base === undefined || headers === undefined || newest === undefined) return undefined;
  return { kernel: newest.kernel, toolkit: [compiler, headers], base: [base] };
}

function newestHeaders(files: readonly string[]): { kernel: string; layer: string } | undefined {
  const pattern = new RegExp(`^(headers-(.+-${flavour})-.+-${edition})[.]json$`);
  const found = files.flatMap((file) => {
    const [, layer, kernel] = pattern.exec(file) ?? [];
    return layer === undefined || kernel === undefined ? [] : [{ layer, kernel }];
  });
  return found.sort((a, b) => abi(a.kernel) - abi(b.kernel) || a.layer.localeCompare(b.layer)).at(-1);
}

/** Pushes the toolkits as `<repository>:<kernel>` and the base as `<repository>:base`. */
export function pushToolkit(client: RegistryClient, target: ImageTarget, toolkit: Toolkit): Promise<void> {
  return client.within(target, { push: true }, async (session) => {
    await pushLayers(session, 'base', toolkit.base);
    for (const kernel of toolkit.kernels) await pushLayers(session, kernel, toolkit.toolkitOf(kernel));
  });
}

async function fillCompiler(debootstrap: string, root: string): Promise<void> {
  // The libraries are those of linux-kbuild's programs. apt's own settings know where packages come from.
  const include = '--include=gcc,make,kmod,libelf1,libssl3';
  await run(debootstrap, ['--variant=minbase', include, suite, root, await mirror()]);
  await run('sh', ['-c', `cd "$0" && rm -rf ${unneeded.join(' ')}`, root]);
}

/** Where this machine gets its packages: the default of debootstrap may be out of reach where that is not. */
async function mirror(): Promise<string> {
  const uris = await run('apt-get', ['indextargets', '--format', '$(CREATED_BY) $(SUITE) $(REPO_URI)']);
  const [, uri] = new RegExp(`^Packages (?:${suite}|stable|oldstable) (\\S+)$`, 'm').exec(uris) ?? [];
  if (uri === undefined) throw new Error(`expected apt to know where ${suite} is, got ${uris || 'nothing'}`);
  return uri;
}

/** Programs with their libraries, taken out of the large image: 10 MB instead of 300. */
async function fillBase(compiler: LayerFile, root: string): Promise<void> {
  const whole = await mkdtemp(`${root}-whole-`);
  try {
    await run('tar', ['-xzf', compiler.path, '-C', whole]);
    const copy = (paths: readonly string[]) => run('cp', ['-a', '--parents', ...paths, root], { folder: whole });
    // Links like /bin → usr/bin, and a place for temporary files.
    await copy(['bin', 'sbin', 'lib', 'lib64', 'tmp', 'etc/passwd', 'etc/group']);
    for (const folder of ['proc', 'sys', 'dev', 'run', 'root', 'var/tmp'])
      await mkdir(join(root, folder), { recursive: true });
    const inside = async (script: string, paths: readonly string[]) =>
      unique(await run('chroot', [whole, 'sh', '-c', `${script} | ${namesOfFiles}`, 'sh', ...paths]));
    const programs = await inside('for each in "$@"; do command -v "$each"; done', basePrograms);
    const needed = await inside('ldd "$@" | grep -o "/[^ )]*[.]so[^ )]*"', programs);
    await copy([...programs, ...needed].map((path) => `.${path}`));
  } finally {
    await rm(whole, { recursive: true, force: true });
  }
}

/** Each path as it is without links to folders, and the file that it is a link to. */
const namesOfFiles =
  'while read -r each; do echo "$(readlink -f "$(dirname "$each")")/$(basename "$each")"; readlink -f "$each"; done';

function unique(lines: string): string[] {
  return [...new Set(lines.split('\n').filter((line) => line !== ''))];
}
