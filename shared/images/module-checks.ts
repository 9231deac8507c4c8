import { oneLine } from '../core/one-line.ts';
import { moduleInfo, openKo } from '../sign/ko-file.ts';
import { moduleSignature } from '../sign/module-signature.ts';
import { SigningRefused } from '../sign/signing-refused.ts';
import { type FileAt, fileAt, filesBelow, folderAt } from './files/find.ts';
import { contentsOf, fileBytesMax } from './files/image-files.ts';
import type { Layer } from './files/layer.ts';
import type { File, Tree } from './files/tree.ts';

export interface ExpectedModule {
  /** Without the `+` that a node's release may end in. */
  kernel: string;
  dirName: string;
  /** As modprobe is given it; undefined (`rawArgs`): only the folder is looked at. */
  moduleName: string | undefined;
  signed: boolean;
}

export type ModuleBadReason =
  | 'ModulesFolderMissing'
  | 'ModuleFileMissing'
  | 'NoModulesDep'
  | 'NotInModulesDep'
  | 'NotAModule'
  | 'FileTooLarge'
  | 'WrongVermagic'
  | 'NotSigned';

type Trouble = { kind: 'trouble'; reason: ModuleBadReason; message: string };
export type FoundModule =
  | Trouble
  | { kind: 'folder' }
  /** The files of that name below the folder, by their paths there, and the list that modprobe chooses by. */
  | { kind: 'module'; candidates: ReadonlyMap<string, FileAt>; modulesDep: FileAt };

const modulesDepBytesMax = 16 * 1024 * 1024;
const candidatesMax = 16;
const namesShownMax = 5;

/** What the names of the files say, before any content is read. */
export function findModule(tree: Tree, expected: ExpectedModule): FoundModule {
  const { kernel, moduleName } = expected;
  const folder = modulesFolder(expected);
  if (folderAt(tree, folder) === undefined) {
    const others = [...(folderAt(tree, `${expected.dirName}/lib/modules`)?.folder.children.keys() ?? [])];
    return trouble('ModulesFolderMissing', `expected a folder ${folder}, ${found(others, 'modules for')}`);
  }
  if (moduleName === undefined) return { kind: 'folder' };
  const files = filesBelow(tree, folder);
  const candidates = new Map([...files].filter(([path]) => isFileOf(path, moduleName)).slice(0, candidatesMax));
  if (candidates.size === 0) {
    const others = [...files.keys()].filter((path) => koPattern.test(path));
    const what = `expected ${moduleName}.ko (or .ko.gz, .ko.xz, .ko.zst) below ${folder}`;
    return trouble('ModuleFileMissing', `${what}, ${found(others, 'the modules')}`);
  }
  const modulesDep = fileAt(tree, `${folder}/modules.dep`);
  if (modulesDep !== undefined && modulesDep.file.size <= modulesDepBytesMax)
    return { kind: 'module', candidates, modulesDep };
  return trouble(
    'NoModulesDep',
    `expected ${folder}/modules.dep, without which modprobe finds nothing: ${hint(expected.dirName, kernel)}`,
  );
}

export type PresentModule = Exclude<FoundModule, Trouble>;

/**
 * What the contents say of each, in their order; null: all is well. Layers are read once for all of them, and a file that several want
 * once. Throws what reading throws.
 */
export async function readModules(
  layers: readonly Layer[],
  modules: readonly { module: PresentModule; expected: ExpectedModule }[],
): Promise<(Trouble | null)[]> {
  const readings = modules.map(({ module, expected }) =>
    module.kind === 'folder' ? { files: [], trouble: () => null } : readingOf(module, expected),
  );
  const wanted = new Map<string, { file: File; takers: Taker[] }>();
  for (const { file, take } of readings.flatMap(({ files }) => files)) {
    const present = wanted.get(placeOf(file)) ?? { file, takers: [] };
    present.takers.push(take);
    wanted.set(placeOf(file), present);
  }
  const files = [...wanted.values()].map(({ file }) => file);
  // To the end, also past a trouble: what is read counts only there.
  for await (const { file, content } of contentsOf(layers, files))
    for (const take of wanted.get(placeOf(file))?.takers ?? []) await take(content);
  return readings.map(({ trouble }) => trouble());
}

type Taker = (content: Buffer) => Promise<void> | void;

interface Reading {
  files: readonly { file: File; take: Taker }[];
  /** Once all files were taken. */
  trouble(): Trouble | null;
}

/** Of the files of that name only those count that modules.dep lists, which may come after them. */
function readingOf(module: PresentModule & { kind: 'module' }, expected: ExpectedModule): Reading {
  const { candidates, modulesDep } = module;
  const troubles = new Map<string, Trouble | null>();
  let listed: readonly string[] = [];
  const files: Reading['files'] = [...candidates].map(([path, { file }]) => ({
    file,
    async take(content) {
      troubles.set(path, await contentTrouble(`${modulesFolder(expected)}/${path}`, content, expected));
    },
  }));
  const list = (content: Buffer) => {
    const names = listedFiles(content);
    listed = [...candidates.keys()].filter((path) => names.has(path));
  };
  return {
    files: [...files.filter(({ file }) => file.size <= fileBytesMax), { file: modulesDep.file, take: list }],
    trouble() {
      const tooLarge = listed.find((path) => !troubles.has(path));
      if (tooLarge !== undefined)
        return trouble('FileTooLarge', `${tooLarge}: expected a module of at most ${fileBytesMax} bytes`);
      if (listed.length > 0)
        return listed.map((path) => troubles.get(path) ?? null).find((each) => each !== null) ?? null;
      const names = [...candidates.keys()].slice(0, namesShownMax).join(', ');
      const what = `expected ${names} in modules.dep, by which modprobe finds it`;
      return trouble('NotInModulesDep', `${what}: ${hint(expected.dirName, expected.kernel)}`);
    },
  };
}

/** Hard links are several files of one content. */
function placeOf({ content: { layer, ordinal } }: File): string {
  return `${layer}/${ordinal}`;
}

function listedFiles(modulesDep: Buffer): ReadonlySet<string> {
  const lines = modulesDep.toString('utf8').split('\n');
  return new Set(lines.map((line) => line.slice(0, Math.max(0, line.indexOf(':')))));
}

async function contentTrouble(path: string, content: Buffer, expected: ExpectedModule): Promise<Trouble | null> {
  try {
    const ko = await openKo(path, content);
    const vermagic = moduleInfo(ko.content).vermagic ?? '';
    const [release = ''] = vermagic.split(' ');
    // A node's release may end in a `+` that the mapping's kernel has not (T8): the kernel compares the whole one.
    if (release !== expected.kernel && release !== `${expected.kernel}+`) {
      const got = release === '' ? 'none' : oneLine(release).slice(0, 100);
      return trouble('WrongVermagic', `${path}: expected a module for kernel ${expected.kernel}, got one for ${got}`);
    }
    if (expected.signed && moduleSignature(ko.content) === undefined)
      return trouble('NotSigned', `${path}: expected a signed module, got one without a signature`);
    return null;
  } catch (error) {
    if (error instanceof SigningRefused) return trouble('NotAModule', `${path}: ${error.message}`);
    throw error;
  }
}

const koPattern = /\.ko(?:\.gz|\.xz|\.zst)?$/;

/** The kernel takes `-` and `_` in names for one. */
function isFileOf(path: string, moduleName: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return koPattern.test(name) && spelled(name.replace(koPattern, '')) === spelled(moduleName);
}

function spelled(name: string): string {
  return name.replaceAll('-', '_');
}

function modulesFolder({ dirName, kernel }: ExpectedModule): string {
  return `${dirName.replace(/\/+$/, '')}/lib/modules/${kernel}`;
}

function hint(dirName: string, kernel: string): string {
  return `run depmod -b ${dirName} ${kernel} in the Dockerfile`;
}

function found(names: readonly string[], what: string): string {
  if (names.length === 0) return 'found none';
  const shown = names.slice(0, namesShownMax).map((name) => oneLine(name).slice(0, 80));
  return `found ${what} ${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}`;
}

function trouble(reason: ModuleBadReason, message: string): Trouble {
  return { kind: 'trouble', reason, message };
}
