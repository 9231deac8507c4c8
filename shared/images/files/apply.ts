import type { Header } from 'tar-stream';
import { ArchiveRefused } from './archive-refused.ts';
import {
  depthMax,
  type Folder,
  type Metadata,
  type Node,
  newFolder,
  type Place,
  partsOf,
  pathBytesMax,
  type Tree,
  walk,
} from './tree.ts';

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Lays one entry over the tree as container runtimes do (OCI image-spec, layer.md): whiteouts and opaque folders hide what
 * lower layers have, wherever they stand in their layer; the way to an entry leads through links that are there. Throws `ArchiveRefused`.
 */
export function applyEntry(tree: Tree, at: { layer: number; ordinal: number }, header: Header): void {
  const parts = entryParts(header.name);
  if (parts.length === 0) {
    if (header.type === 'directory') tree.root.meta = metadataOf(header);
    return;
  }
  const place = placeFor(tree, parts, at.layer);
  touch(tree, place, at.layer);
  if (place.name === opaque) hideLower(place.folder, at.layer);
  else if (place.name.startsWith(whiteout)) hide(place.folder, place.name.slice(whiteout.length), at.layer);
  else put(place, nodeOf(tree, at, header));
}

function put(place: Place, node: Node): void {
  if (node.kind === 'folder' && place.node?.kind === 'folder') {
    place.node.layer = node.layer;
    place.node.meta = node.meta;
    return;
  }
  // Set anew, so that the order of names is that of the last layers and the same for the same layers.
  place.folder.children.delete(place.name);
  place.folder.children.set(place.name, node);
}

function entryParts(name: string): string[] {
  if (Buffer.byteLength(name) > pathBytesMax)
    throw new ArchiveRefused('PathTooLong', `a layer has a path of more than ${pathBytesMax} bytes`);
  const parts = partsOf(name);
  if (parts === undefined)
    throw new ArchiveRefused('PathOutsideRoot', `a layer has a path outside the root: ${quoted(name)}`);
  if (parts.length > depthMax)
    throw new ArchiveRefused('PathTooLong', `a layer has a path of more than ${depthMax} folders`);
  if (name.includes('\0')) throw new ArchiveRefused('BadArchive', `a layer has a path with NUL: ${quoted(name)}`);
  return parts;
}

function placeFor(tree: Tree, parts: readonly string[], layer: number): Place {
  const place = walk(tree, parts, { followLast: false, make: () => newFolder(layer) });
  if (place !== undefined && place.path.length < depthMax) return place;
  throw new ArchiveRefused('BadArchive', `a layer has an entry below what is no folder: ${quoted(parts.join('/'))}`);
}

/** All folders on the way are part of this layer now: a whiteout of theirs in the same layer leaves what is new. */
function touch(tree: Tree, place: Place, layer: number): void {
  let folder: Folder = tree.root;
  for (const name of place.path) {
    const next = folder.children.get(name);
    if (next?.kind !== 'folder') return;
    next.layer = layer;
    folder = next;
  }
}

function hide(folder: Folder, name: string, layer: number): void {
  const node = folder.children.get(name);
  if (node === undefined) return;
  if (node.layer < layer) folder.children.delete(name);
  else if (node.kind === 'folder') hideLower(node, layer);
}

function hideLower(folder: Folder, layer: number): void {
  for (const name of [...folder.children.keys()]) hide(folder, name, layer);
}

function nodeOf(tree: Tree, at: { layer: number; ordinal: number }, header: Header): Node {
  const { layer } = at;
  switch (header.type) {
    case 'directory':
      return { kind: 'folder', layer, children: new Map(), meta: metadataOf(header) };
    case 'symlink':
      return { kind: 'link', layer, target: linkTarget(header) };
    case 'link':
      return linked(tree, layer, header);
    case 'file':
    case 'contiguous-file':
      return { kind: 'file', layer, content: at, size: header.size ?? 0 };
    default:
      return { kind: 'other', layer };
  }
}

/** A hard link: another name of what is there already, in this layer or a lower one. */
function linked(tree: Tree, layer: number, header: Header): Node {
  const target = walk(tree, entryParts(linkTarget(header)), { followLast: false })?.node;
  if (target !== undefined && target.kind !== 'folder') return { ...target, layer };
  throw new ArchiveRefused('BadArchive', `a layer has a hard link to what is no file: ${quoted(header.name)}`);
}

function linkTarget({ linkname }: Header): string {
  const target = linkname ?? '';
  if (Buffer.byteLength(target) <= pathBytesMax) return target;
  throw new ArchiveRefused('PathTooLong', `a layer has a link of more than ${pathBytesMax} bytes`);
}

/** What vouches for the content (IMA, EVM) is not kept: it would be false for any other content. */
const keptRecord = /^SCHILY\.xattr\.(?!security\.(?:ima|evm)$)|^(?:uid|gid|mtime|uname|gname)$/;

export function metadataOf(header: Header): Metadata {
  const { mode, uid, gid, uname, gname, mtime } = header;
  const records = Object.entries((header.pax ?? {}) as Record<string, string>);
  const pax = Object.fromEntries(records.filter(([key]) => keptRecord.test(key)));
  return { mode, uid, gid, uname, gname, mtime, pax };
}

function quoted(path: string): string {
  return JSON.stringify(path.length <= 100 ? path : `${path.slice(0, 99)}…`);
}
