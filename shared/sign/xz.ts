import { crc32 } from 'node:zlib';

/**
 * `content` as a valid .xz file that is not compressed: LZMA2 has chunks for bytes as they are (xz file format 1.2.1).
 * With CRC32, the only check that every kernel's own decoder knows, and a dictionary of 64 KiB. Why nothing is compressed: decision 20.
 *
 *     header | block: header, chunks, 0, padding, CRC32 | index | footer
 */
export function packXz(content: Buffer): Buffer {
  const chunks = storedChunks(content);
  const data = [blockHeader, ...chunks];
  const unpaddedBytes = data.reduce((sum, { length }) => sum + length, 0) + 4;
  const index = indexOf(unpaddedBytes, content.length);
  return Buffer.concat([
    magic,
    flags,
    checksum(flags),
    ...data,
    Buffer.alloc(paddingOf(unpaddedBytes)),
    checksum(content),
    index,
    footerOf(index),
  ]);
}

/**
 * Any .xz file with CRC32, CRC64 or no check and without a filter for branches: what kernels' makefiles write.
 * Throws; with code ERR_BUFFER_TOO_LARGE when there are more than `bytesMax`.
 */
export async function unpackXz(file: Buffer, bytesMax: number): Promise<Buffer> {
  // Loaded by who meets such a file only.
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of new XzReadableStream(streamOf(file))) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' });
      chunks.push(chunk);
    }
  } catch (error) {
    throw told(error);
  }
  return Buffer.concat(chunks, bytes);
}

/** The decoder says numbers: `enum xz_ret` of linux/xz.h. */
const results: Record<string, string> = {
  4: 'a dictionary of more than the decoder takes',
  6: 'a check other than CRC32 and CRC64, or a filter beside LZMA2: neither is what kernels read',
  7: 'damaged data',
  8: 'a file that was cut off, or has bytes behind its end',
};

function told(error: unknown): unknown {
  const code = /error code (\d+)$/.exec(error instanceof Error ? error.message : '')?.[1];
  return code === undefined ? error : new Error(results[code] ?? `a file of another kind (${code})`);
}

/** In one piece: the decoder's errors come while it reads, so nothing is left open behind them. */
function streamOf(file: Buffer): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(file);
      controller.close();
    },
  });
}

const magic = Buffer.from('\xfd7zXZ\0', 'latin1');
/** Check 1: CRC32. */
const flags = Buffer.from([0, 1]);
const chunkBytesMax = 65_536;
/** One filter, LZMA2 (0x21), with one byte of properties: the dictionary's size, 8 = 64 KiB. 2 = (length / 4) - 1. */
const blockHeader = withChecksum(Buffer.from([2, 0, 0x21, 1, 8, 0, 0, 0]));

function storedChunks(content: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < content.length; at += chunkBytesMax) {
    const chunk = content.subarray(at, at + chunkBytesMax);
    const head = Buffer.alloc(3);
    // 1 = stored, with an empty dictionary; 2 = stored.
    head.writeUInt8(at === 0 ? 1 : 2);
    head.writeUInt16BE(chunk.length - 1, 1);
    chunks.push(head, chunk);
  }
  return [...chunks, Buffer.from([0])];
}

function indexOf(unpaddedBytes: number, contentBytes: number): Buffer {
  const records = Buffer.from([0, 1, ...variable(unpaddedBytes), ...variable(contentBytes)]);
  return withChecksum(Buffer.concat([records, Buffer.alloc(paddingOf(records.length))]));
}

function footerOf(index: Buffer): Buffer {
  const backward = Buffer.alloc(4);
  backward.writeUInt32LE(index.length / 4 - 1);
  const body = Buffer.concat([backward, flags]);
  return Buffer.concat([checksum(body), body, Buffer.from('YZ')]);
}

/** Seven bits a byte, the lowest first. */
function variable(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function paddingOf(bytes: number): number {
  return -bytes & 3;
}

function withChecksum(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, checksum(bytes)]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum;
}
