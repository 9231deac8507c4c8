import { type GlobPart, parseGlob } from './glob.ts';
import { type File, type Folder, namesOf, type Tree, walk } from './tree.ts';

export interface FileAt {
  /** Its real path: links on the way and at the end are resolved. */
  path: string;
  file: File;
}

/** The files (no folders, no devices) that a pattern of paths names, sorted by path, each once. `undefined`: no pattern. */
export function findFiles(tree: Tree, pattern: string): FileAt[] | undefined {
  const parts = parseGlob(pattern);
  if (parts === undefined) return undefined;
  const found = new Map<string, File>();
  search({ tree, parts, found, seen: parts.map(() => new Set()) }, [], 0);
  return [...found].map(([path, file]) => ({ path, file })).sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The file at a path, through links. */
export function fileAt(tree: Tree, path: string): FileAt | undefined {
  const place = walk(tree, namesOf(path), { followLast: true });
  return place?.node?.kind === 'file' ? { path: pathText(place.path, place.name), file: place.node } : undefined;
}

/** The folder at a path, through links, and its real path. */
export function folderAt(tree: Tree, path: string): { path: string; folder: Folder } | undefined {
  const place = walk(tree, namesOf(path), { followLast: true });
  return place?.node?.kind === 'folder' ? { path: pathText(place.path, place.name), folder: place.node } : undefined;
}

/** All files below a folder, through no links to folders; by path below it. */
export function filesBelow(tree: Tree, path: string): Map<string, FileAt> {
  const found = new Map<string, FileAt>();
  const begin = folderAt(tree, path);
  const pending = begin === undefined ? [] : [{ ...begin, below: '' }];
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    for (const [name, node] of each.folder.children) {
      tree.steps.take();
      const [full, below] = [`${each.path === '/' ? '' : each.path}/${name}`, `${each.below}${name}`];
      if (node.kind === 'folder') pending.push({ path: full, folder: node, below: `${below}/` });
      const file = fileAt(tree, full);
      if (file !== undefined) found.set(below, file);
    }
  }
  return found;
}

interface Search {
  tree: Tree;
  parts: readonly GlobPart[];
  found: Map<string, File>;
  /** Folders that a part was looked for in: `**` and links lead to one by many ways. */
  seen: readonly Set<Folder>[];
}

function search(state: Search, way: readonly string[], index: number): void {
  const { tree, parts, found } = state;
  const part = parts[index];
  const place = walk(tree, way, { followLast: true });
  if (part === undefined) {
    if (place?.node?.kind === 'file') found.set(pathText(place.path, place.name), place.node);
    return;
  }
  if (place?.node?.kind !== 'folder' || state.seen[index]?.has(place.node)) return;
  state.seen[index]?.add(place.node);
  const real = place.name === '' ? [] : [...place.path, place.name];
  if (part.kind === 'name') {
    search(state, [...real, part.name], index + 1);
    return;
  }
  if (part.kind === 'any') search(state, real, index + 1);
  for (const [name, node] of place.node.children) {
    tree.steps.take();
    if (part.kind === 'pattern' && part.matches(name)) search(state, [...real, name], index + 1);
    // Links are not followed by `**`, as in Bash; at the pattern's end it stands for files too.
    if (part.kind !== 'any') continue;
    if (node.kind === 'folder') search(state, [...real, name], index);
    else if (index === parts.length - 1) search(state, [...real, name], index + 1);
  }
}

function pathText(path: readonly string[], name: string): string {
  return `/${[...path, ...(name === '' ? [] : [name])].join('/')}`;
}
