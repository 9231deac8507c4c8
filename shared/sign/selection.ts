import { findFiles, folderAt } from '../images/files/find.ts';
import type { File, Tree } from '../images/files/tree.ts';
import { ImageRefused } from './image-refused.ts';

/** A file to sign, with all names of it that a pattern matched: real paths, sorted. */
export interface SelectedFile {
  file: File;
  paths: readonly [string, ...string[]];
}

export interface Selection {
  files: readonly SelectedFile[];
  /** Patterns that matched nothing here. */
  unmatched: readonly string[];
}

const patternsMax = 256;
const filesMax = 2_000;

/** What `filesToSign` asks for, in `dirName` and nowhere else. Throws `ImageRefused`. */
export function selectFiles(tree: Tree, wanted: { filesToSign: readonly string[]; dirName: string }): Selection {
  const { filesToSign, dirName } = wanted;
  if (filesToSign.length === 0 || filesToSign.length > patternsMax)
    throw new ImageRefused('NoFilesToSign', `filesToSign: expected 1 to ${patternsMax}, got ${filesToSign.length}`);
  const found = filesToSign.map((pattern) => ({ pattern, files: filesOf(tree, pattern) }));
  const byContent = new Map<string, { file: File; paths: Set<string> }>();
  // Where dirName is a link, what lies behind it counts as in it.
  const inside = folderAt(tree, dirName)?.path ?? dirName;
  for (const { path, file } of found.flatMap(({ files }) => files)) {
    if (!isBelow(path, inside))
      throw new ImageRefused('OutsideDirName', `${path}: expected a file in ${dirName}, which is signed and shipped`);
    const key = `${file.content.layer}/${file.content.ordinal}`;
    const same = byContent.get(key) ?? { file, paths: new Set() };
    byContent.set(key, same);
    same.paths.add(path);
  }
  if (byContent.size > filesMax)
    throw new ImageRefused('TooManyFiles', `filesToSign: expected at most ${filesMax} files, got ${byContent.size}`);
  const files = [...byContent.values()].map(({ file, paths }) => ({ file, paths: [...paths].sort() as [string] }));
  return { files, unmatched: found.filter(({ files: own }) => own.length === 0).map(({ pattern }) => pattern) };
}

function filesOf(tree: Tree, pattern: string) {
  const files = findFiles(tree, pattern);
  if (files !== undefined) return files;
  throw new ImageRefused('BadPattern', `filesToSign: expected a pattern of paths, got ${JSON.stringify(pattern)}`);
}

function isBelow(path: string, folder: string): boolean {
  const prefix = `/${folder
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`;
  return prefix === '/' || path.startsWith(`${prefix}/`);
}
