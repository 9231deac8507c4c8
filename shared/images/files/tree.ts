import { ArchiveRefused } from './archive-refused.ts';

/**
 * The file system that layers make, without the files' content: where each file's bytes stand. A folder knows its children, a
 * file the entry that has it (two hard links are two names of one entry), a symbolic link where it points.
 */
export interface Folder {
  kind: 'folder';
  /** The last layer that touched it: whiteouts hide only what lower layers have. */
  layer: number;
  children: Map<string, Node>;
  /** The entry that says its mode and owner; undefined: no layer says. */
  meta: Metadata | undefined;
}

export interface File {
  kind: 'file';
  layer: number;
  /** Where the content is: this entry of this layer. */
  content: { layer: number; ordinal: number };
  size: number;
}

export type Node = Folder | File | { kind: 'link'; layer: number; target: string } | { kind: 'other'; layer: number };

/** What a new entry for the same file has to say too. */
export interface Metadata {
  mode: number;
  uid: number;
  gid: number;
  uname: string;
  gname: string;
  mtime: Date;
  /** Of the pax records: extended attributes, and numbers that a plain header has no room for. */
  pax: Record<string, string>;
}

export interface Tree {
  root: Folder;
  steps: Steps;
}

/** Where a path leads: the names on the way are real ones, without links. */
export interface Place {
  folder: Folder;
  /** Of `folder`. */
  path: readonly string[];
  name: string;
  node: Node | undefined;
}

/** As Linux has it. */
const linksMax = 40;
export const pathBytesMax = 4096;
export const depthMax = 256;
/** A few hundred thousand entries with a few dozen names each, and some; links of links of links reach it. */
const stepsMax = 20_000_000;

/** Bounds what hostile links and patterns make us walk. */
export class Steps {
  #left = stepsMax;
  take(): void {
    this.#left -= 1;
    if (this.#left < 0) throw new ArchiveRefused('ArchiveTooLarge', 'the image has links that lead nowhere soon');
  }
}

export function emptyTree(): Tree {
  return { root: newFolder(-1), steps: new Steps() };
}

export function newFolder(layer: number): Folder {
  return { kind: 'folder', layer, children: new Map(), meta: undefined };
}

/**
 * Walks from the root, through symbolic links, never out of the tree (`..` of the root is the root). `undefined`: a part before
 * the last is not there, is no folder, or the links go round in circles.
 * `make` makes the folders that are missing on the way.
 */
export function walk(
  tree: Tree,
  parts: readonly string[],
  options: { followLast: boolean; make?: (() => Folder) | undefined },
): Place | undefined {
  let way: Way = { folder: tree.root, name: '', above: undefined };
  const pending = [...parts].reverse();
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    tree.steps.take();
    if (part === '..') {
      way = way.above ?? way;
      continue;
    }
    const isLast = pending.length === 0;
    let node = way.folder.children.get(part);
    if (node?.kind === 'link' && (!isLast || options.followLast)) {
      links += 1;
      if (links > linksMax) return undefined;
      const target = namesOf(node.target);
      if (target.length + pending.length > pathBytesMax) return undefined;
      if (node.target.startsWith('/')) way = rootOf(way);
      pending.push(...target.reverse());
      continue;
    }
    if (isLast && node?.kind !== 'folder') return placeOf(way, part, node);
    if (node === undefined && options.make !== undefined) {
      node = options.make();
      way.folder.children.set(part, node);
    }
    if (node?.kind !== 'folder') return undefined;
    way = { folder: node, name: part, above: way };
  }
  return way.above === undefined ? placeOf(way, '', way.folder) : placeOf(way.above, way.name, way.folder);
}

interface Way {
  folder: Folder;
  name: string;
  above: Way | undefined;
}

function rootOf(way: Way): Way {
  let root = way;
  while (root.above !== undefined) root = root.above;
  return root;
}

function placeOf(way: Way, name: string, node: Node | undefined): Place {
  const path: string[] = [];
  for (let each = way; each.above !== undefined; each = each.above) path.push(each.name);
  return { folder: way.folder, path: path.reverse(), name, node };
}

/** `/a//b/../c` → a, b, `..`, c: what `walk` takes. */
export function namesOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** The path of an entry, in which `..` only takes back the part before it. Undefined for what leads out of the root. */
export function partsOf(path: string): string[] | undefined {
  const parts: string[] = [];
  for (const part of namesOf(path)) {
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts;
}
