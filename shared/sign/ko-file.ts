import { promisify } from 'node:util';
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { SigningRefused } from './signing-refused.ts';
import { packXz, unpackXz } from './xz.ts';

export { type ModuleInfo, moduleInfo } from './elf.ts';

/** Bytes of a module, unpacked: it is held in memory whole, and a packed one may be a bomb. A bound, not a measure. */
export const koBytesMax = 256 * 1024 * 1024;

export interface KoFile {
  /** The module itself. */
  content: Buffer;
  /** Another content in the same packing. Equal content gives equal bytes: no time and no name is in it. */
  pack(content: Buffer): Promise<Buffer>;
}

/**
 * Unpacks `.ko`, `.ko.gz`, `.ko.xz` and `.ko.zst`. What it is shows in its first bytes, as modprobe looks at it; `name` is for
 * messages. Throws `SigningRefused` for what cannot be unpacked or is too large; whether it is a module `moduleInfo` tells.
 */
export async function openKo(name: string, file: Buffer, bytesMax = koBytesMax): Promise<KoFile> {
  const packing = packings.find(({ magic }) => file.subarray(0, magic.length).equals(magic)) ?? plain;
  const content = await unpacked(name, packing, { file, bytesMax });
  return { content, pack: (next) => packing.pack(next) };
}

interface Packing {
  name: string;
  magic: Buffer;
  /** Throws ERR_BUFFER_TOO_LARGE past `bytesMax`. */
  unpack(file: Buffer, bytesMax: number): Promise<Buffer>;
  pack(content: Buffer): Promise<Buffer>;
}

const plain: Packing = {
  name: 'plain',
  magic: Buffer.alloc(0),
  unpack: async (file) => file,
  pack: async (content) => content,
};

const [inflate, deflate] = [promisify(gunzip), promisify(gzip)];
const [unzstd, zstd] = [promisify(zstdDecompress), promisify(zstdCompress)];
const gzipSystemAt = 9;
const gzipUnix = 3;

const packings: readonly Packing[] = [
  {
    name: 'gzip',
    magic: Buffer.from([0x1f, 0x8b]),
    unpack: (file, maxOutputLength) => inflate(file, { maxOutputLength }),
    async pack(content) {
      const file = await deflate(content, { level: constants.Z_BEST_COMPRESSION });
      // The one field that says on what system it was made.
      file.writeUInt8(gzipUnix, gzipSystemAt);
      return file;
    },
  },
  {
    name: 'zstd',
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    unpack: (file, maxOutputLength) => unzstd(file, { maxOutputLength }),
    pack: (content) => zstd(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  },
  {
    name: 'xz',
    magic: Buffer.from('\xfd7zXZ\0', 'latin1'),
    unpack: unpackXz,
    pack: async (content) => packXz(content),
  },
];

async function unpacked(name: string, packing: Packing, from: { file: Buffer; bytesMax: number }): Promise<Buffer> {
  const { file, bytesMax } = from;
  const tooLarge = () =>
    new SigningRefused('ModuleTooLarge', `${name}: expected a module of at most ${bytesMax} bytes, got more`);
  if (packing === plain && file.length > bytesMax) throw tooLarge();
  try {
    return await packing.unpack(file, bytesMax);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    const why = error instanceof Error ? error.message : String(error);
    throw new SigningRefused('PackingUnreadable', `${name}: expected a file that ${packing.name} unpacks, got: ${why}`);
  }
}
