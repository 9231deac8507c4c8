import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import type { Folder, Metadata, Tree } from './tree.ts';

export interface NewFile {
  /** A real path: no links on the way. */
  path: string;
  /** Other real paths of the same file, which stay hard links. */
  alsoAt: readonly string[];
  metadata: Metadata;
  content: Buffer;
}

export interface NewLayer {
  /** The layer as it is stored: gzip of tar. */
  file: string;
  digest: string;
  size: number;
  diffId: string;
}

/** What a folder has that no layer says anything of. */
const folderDefault: Metadata = { mode: 0o755, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0), pax: {} };
/** The largest number that a plain header has room for. */
const plainIdMax = 0o7777777;

/**
 * Writes a layer of these files to `file`, one in memory at a time. The folders above are in it as the tree has them, since runtimes
 * give a folder that an upper layer leaves out their own mode. Equal files in equal order make equal bytes: no time, no
 * name and no randomness of ours is in it.
 */
export async function writeLayer(file: string, tree: Tree, files: AsyncIterable<NewFile>): Promise<NewLayer> {
  const archive = pack();
  const tarHash = createHash('sha256');
  const fileHash = createHash('sha256');
  const stored = { bytes: 0 };
  // The compression's header has neither name nor time unless it is given one.
  const written = pipeline(
    Readable.from(hashed(archive as AsyncIterable<Buffer>, tarHash)),
    createGzip(),
    (chunks: AsyncIterable<Buffer>) => hashed(chunks, fileHash, stored),
    createWriteStream(file, { mode: 0o600 }),
  );
  const failed = written.catch((error: Error) => archive.destroy(error));
  try {
    await addFiles(archive, tree, files);
    archive.finalize();
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    await failed;
    throw error;
  }
  await written;
  const [digest, diffId] = [fileHash, tarHash].map((hash) => `sha256:${hash.digest('hex')}`) as [string, string];
  return { file, digest, size: stored.bytes, diffId };
}

async function addFiles(archive: Pack, tree: Tree, files: AsyncIterable<NewFile>): Promise<void> {
  const folders = new Set<string>();
  for await (const { path, alsoAt, metadata, content } of files) {
    for (const each of [path, ...alsoAt]) await addFolders(archive, tree, folders, each);
    await add(archive, { name: path.slice(1), type: 'file', ...withNumbers(metadata) }, content);
    for (const other of alsoAt) {
      await add(archive, { name: other.slice(1), type: 'link', linkname: path.slice(1), ...withNumbers(metadata) });
    }
  }
}

async function addFolders(archive: Pack, tree: Tree, done: Set<string>, path: string): Promise<void> {
  let folder: Folder | undefined = tree.root;
  let name = '';
  for (const part of path.split('/').slice(1, -1)) {
    const next: unknown = folder?.children.get(part);
    folder = (next as Folder | undefined)?.kind === 'folder' ? (next as Folder) : undefined;
    name += `${part}/`;
    if (done.has(name)) continue;
    done.add(name);
    await add(archive, { name, type: 'directory', ...withNumbers(folder?.meta ?? folderDefault) });
  }
}

function withNumbers(metadata: Metadata): Omit<Metadata, 'pax'> & { pax?: Record<string, string> } {
  const { pax, ...plain } = metadata;
  const large = Object.entries({ uid: plain.uid, gid: plain.gid }).filter(([, id]) => id > plainIdMax);
  const records = { ...pax, ...Object.fromEntries(large.map(([key, id]) => [key, String(id)])) };
  return Object.keys(records).length === 0 ? plain : { ...plain, pax: records };
}

function add(archive: Pack, header: Parameters<Pack['entry']>[0], content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === undefined) archive.entry(header, done);
    else archive.entry(header, content, done);
  });
}

async function* hashed(chunks: AsyncIterable<Buffer>, hash: Hash, count = { bytes: 0 }): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    count.bytes += chunk.length;
    yield chunk;
  }
}
