import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moduleName } from './module-name.ts';

/** One module that `modules.dep` lists. */
export interface KnownModule {
  name: string;
  /** Path as the container sees it: what modprobe prints. */
  path: string;
  /** Needed modules, the farthest first: kmod loads them in this order. */
  depends: readonly string[];
}

export interface Softdep {
  pre: readonly string[];
  post: readonly string[];
}

/** `<folder>/modules.dep` by module name; `undefined` when there is none: then modprobe finds no module. */
export function readModulesDep(root: string, folder: string): ReadonlyMap<string, KnownModule> | undefined {
  const file = pathUnderRoot(root, join(folder, 'modules.dep'));
  if (!existsSync(file)) return undefined;
  const modules = new Map<string, KnownModule>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, path, needs] = /^([^:]+):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const depends = (needs ?? '').split(' ').filter(Boolean).map(nameOfFile).reverse();
    modules.set(nameOfFile(path), { name: nameOfFile(path), path: join(folder, path), depends });
  }
  return modules;
}

export function readBuiltIn(root: string, folder: string): ReadonlySet<string> {
  const file = pathUnderRoot(root, join(folder, 'modules.builtin'));
  if (!existsSync(file)) return new Set();
  return new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean).map(nameOfFile));
}

/** `softdep NAME pre: A B post: C` lines of `/etc/modprobe.d`; the first line of a module counts. */
export function readSoftdeps(root: string): ReadonlyMap<string, Softdep> {
  const softdeps = new Map<string, Softdep>();
  const folder = pathUnderRoot(root, '/etc/modprobe.d');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.conf'))
        .sort()
    : [];
  for (const line of files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))) {
    const [keyword, name, ...words] = line.split(/\s+/).filter(Boolean);
    if (keyword !== 'softdep' || name === undefined || softdeps.has(moduleName(name))) continue;
    softdeps.set(moduleName(name), parseSoftdep(words));
  }
  return softdeps;
}

function parseSoftdep(words: readonly string[]): Softdep {
  const softdep = { pre: [] as string[], post: [] as string[] };
  let list: string[] | undefined;
  for (const word of words) {
    if (word === 'pre:') list = softdep.pre;
    else if (word === 'post:') list = softdep.post;
    else list?.push(moduleName(word));
  }
  return softdep;
}

/**
 * Where a path of the container lies on this machine. A symlink to an absolute path means a path below `root` when there is one
 * (an image's own link to `/lib/modules/…`), else what it says (a volume of the modelled node is a link to a folder outside).
 */
export function pathUnderRoot(root: string, path: string): string {
  let resolved = root;
  const parts = path.split('/').filter(Boolean);
  for (let links = 0; parts.length > 0; ) {
    const next = join(resolved, parts.shift()!);
    if (!lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink() || ++links > 40) {
      resolved = next;
      continue;
    }
    const target = readlinkSync(next);
    if (!target.startsWith('/')) resolved = join(dirname(next), target);
    else if (root !== '' && existsSync(join(root, target))) {
      resolved = root;
      parts.unshift(...target.split('/').filter(Boolean));
    } else resolved = target;
  }
  return resolved;
}

function nameOfFile(path: string): string {
  return moduleName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(\.(gz|xz|zst))?$/, ''));
}
