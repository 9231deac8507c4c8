/** One file of an initial ram disk. Folders above it need no entry of their own. */
export interface CpioFile {
  /** Relative to the root, without a leading slash. */
  path: string;
  content: Buffer;
  mode: number;
}

const folderType = 0o040000;
const fileType = 0o100000;

/** An archive in the format `newc`, as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function cpioArchive(files: readonly CpioFile[]): Buffer {
  const folders = [...new Set(files.flatMap(({ path }) => foldersAbove(path)))];
  const nothing = Buffer.alloc(0);
  const entries = [
    ...folders.map((path) => ({ path, content: nothing, mode: folderType | 0o755 })),
    ...files.map(({ path, content, mode }) => ({ path, content, mode: fileType | mode })),
    { path: 'TRAILER!!!', content: nothing, mode: 0 },
  ];
  return Buffer.concat(entries.flatMap((entry, index) => entryOf(entry, index + 1)));
}

/** `a/b/c` → `a`, `a/b`: a folder must come before what is in it. */
function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

function entryOf({ path, content, mode }: CpioFile, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, time, size, device (major, minor), its own device (major, minor), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [...padded([header, name]), ...padded([content])];
}

function padded(parts: readonly Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [...parts, Buffer.alloc((4 - (length % 4)) % 4)];
}
