import { oneLine } from '../core/one-line.ts';
import { moduleInfo, openKo } from '../sign/ko-file.ts';
import { moduleSignature } from '../sign/module-signature.ts';
import { SigningRefused } from '../sign/signing-refused.ts';
import { type FileAt, fileAt, filesBelow, folderAt } from './files/find.ts';
import { contentsOf } from './files/image-files.ts';
import type { Layer } from './files/layer.ts';
import type { Tree } from './files/tree.ts';

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

/** What the contents say; null: all is well. Throws what reading throws. */
export async function readModule(
  layers: readonly Layer[],
  module: Exclude<FoundModule, Trouble>,
  expected: ExpectedModule,
): Promise<Trouble | null> {
  if (module.kind === 'folder') return null;
  const { candidates, modulesDep } = module;
  const listed = await listedFiles(layers, modulesDep);
  const chosen = [...candidates].filter(([path]) => listed.has(path));
  if (chosen.length === 0) {
    const names = [...candidates.keys()].slice(0, namesShownMax).join(', ');
    const what = `expected ${names} in modules.dep, by which modprobe finds it`;
    return trouble('NotInModulesDep', `${what}: ${hint(expected.dirName, expected.kernel)}`);
  }
  const paths = new Map(chosen.map(([path, { file }]) => [file, path]));
  // To the end, also past a trouble: what is read counts only there.
  let first: Trouble | null = null;
  for await (const { file, content } of contentsOf(layers, [...paths.keys()])) {
    const path = `${modulesFolder(expected)}/${paths.get(file)}`;
    first ??= await contentTrouble(path, content, expected);
  }
  return first;
}

async function listedFiles(layers: readonly Layer[], { file }: FileAt): Promise<ReadonlySet<string>> {
  let text = '';
  for await (const { content } of contentsOf(layers, [file])) text = content.toString('utf8');
  return new Set(text.split('\n').map((line) => line.slice(0, Math.max(0, line.indexOf(':')))));
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
