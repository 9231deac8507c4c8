import { chmod, link, lstat, mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

/** Bounds of one layer: an image of the world is small; a wrong one must not fill the disk. */
const entriesMax = 20_000;
const fileBytesMax = 64 * 1024 * 1024;
/** As the kernel's own limit of symbolic links in one path. */
const linksMax = 40;

/** A layer that does not fit into its root folder, or is no layer. */
export class LayerError extends Error {
  override name = 'LayerError';
}

/**
 * Unpacks `layers` (each a tar, gzipped or not, lowest first) into `root` as a container runtime does: whiteouts
 * remove what is below, links stay inside. Nothing is run in a chroot here, so links are made relative to `root`; an
 * entry that would leave `root` is refused with `LayerError`.
 */
export async function extractLayers(layers: readonly Buffer[], root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const layer of layers) {
    const tar = extract();
    const source = Readable.from([layer]);
    const piped = isGzip(layer) ? pipeline(source, createGunzip(), tar) : pipeline(source, tar);
    await Promise.all([unpack(tar, root), piped]);
  }
}

/**
 * The real place of `path` (absolute, as seen in the container) under `root`, symbolic links followed inside `root` and
 * `..` held at its top. With `parents` missing folders on the way are made. The last part need not exist and is not followed.
 */
export async function placeInside(root: string, path: string, options: { parents?: boolean } = {}): Promise<string> {
  let links = 0;
  let at: string[] = [];
  const rest = parts(path);
  while (rest.length > 0) {
    const part = rest.shift() as string;
    if (part === '..') at = at.slice(0, -1);
    if (part === '..') continue;
    const place = [root, ...at, part].join('/');
    const isLast = rest.length === 0;
    const kind = isLast ? undefined : await lstat(place).catch(absent);
    if (kind?.isSymbolicLink()) {
      links += 1;
      if (links > linksMax) throw new LayerError(`expected at most ${linksMax} links in ${path}`);
      const target = await readlink(place);
      if (target.startsWith('/')) at = [];
      rest.unshift(...parts(target));
      continue;
    }
    if (!isLast && kind === undefined && options.parents) await mkdir(place);
    at.push(part);
  }
  return [root, ...at].join('/');
}

async function unpack(tar: ReturnType<typeof extract>, root: string): Promise<void> {
  let entries = 0;
  const written = new Set<string>();
  for await (const entry of tar) {
    entries += 1;
    if (entries > entriesMax) throw new LayerError(`expected at most ${entriesMax} entries in a layer`);
    const { header } = entry;
    if (parts(header.name).includes('..')) throw new LayerError(`expected a path inside the image, got ${header.name}`);
    if ((header.size ?? 0) > fileBytesMax)
      throw new LayerError(`expected at most ${fileBytesMax} bytes in ${header.name}`);
    const content = await buffer(entry);
    if (parts(header.name).length > 0) await place(root, { header, content, written });
  }
}

async function place(root: string, entry: { header: Header; content: Buffer; written: Set<string> }): Promise<void> {
  const { header, content, written } = entry;
  const at = await placeInside(root, header.name, { parents: true });
  const folder = posix.dirname(at);
  const name = posix.basename(at);
  if (name === '.wh..wh..opq') return clearBelow(folder, written);
  if (name.startsWith('.wh.')) return rm(`${folder}/${name.slice('.wh.'.length)}`, { recursive: true, force: true });
  written.add(at);
  const mode = (header.mode ?? 0o644) & 0o777;
  const present = await lstat(at).catch(absent);
  if (header.type === 'directory') {
    if (present && !present.isDirectory()) await rm(at);
    await mkdir(at, { recursive: true });
    return chmod(at, mode | 0o700);
  }
  if (present) await rm(at, { recursive: true });
  if (header.type === 'symlink') return symlink(relativeTarget(root, at, header.linkname ?? ''), at);
  if (header.type === 'link') return link(await placeInside(root, header.linkname ?? ''), at);
  if (header.type === 'file' || header.type === 'contiguous-file') {
    await writeFile(at, content);
    // The mode of `writeFile` passes through the umask.
    await chmod(at, mode | 0o600);
  }
}

/** An opaque folder hides what lower layers put there, not what its own layer does. */
async function clearBelow(folder: string, written: ReadonlySet<string>): Promise<void> {
  const kept = [...written];
  for (const name of await readdir(folder)) {
    const place = `${folder}/${name}`;
    if (!kept.some((path) => path === place || path.startsWith(`${place}/`))) await rm(place, { recursive: true });
  }
}

/** The target of a link at `at`, relative and inside `root`: a process without chroot then sees what it would see with it. */
function relativeTarget(root: string, at: string, target: string): string {
  const folder = `/${posix.relative(root, posix.dirname(at))}`;
  return posix.relative(folder, posix.resolve(folder, target)) || '.';
}

function isGzip(layer: Buffer): boolean {
  return layer[0] === 0x1f && layer[1] === 0x8b;
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
