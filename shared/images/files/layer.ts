import { createHash } from 'node:crypto';
import { type Duplex, pipeline, Readable } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { ArchiveRefused } from './archive-refused.ts';

/** A layer as the registry has it: read anew each time. */
export interface Layer {
  mediaType: string;
  /** `sha256:…` of the tar inside, from the image's configuration. */
  diffId: string;
  read(): AsyncIterable<Uint8Array>;
}

/** What all layers of an image may still unpack to: a bomb of a few kilobytes fills any disk and any day. */
export class Allowance {
  #bytes: number;
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  spend(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw new ArchiveRefused('ArchiveTooLarge', 'the layers unpack to more than any image needs');
  }
}

/** A window larger than this is memory that whoever packed the layer asks of us; packers use at most 8 MiB unless told to. */
const zstdWindowLogMax = 25;

/**
 * The tar of a layer (gzip, zstd or plain, of both families of media types), held to its `diffId`: what was read counts only
 * when the end is reached. Throws `ArchiveRefused`, and what `read` throws.
 */
export async function* tarOf(layer: Layer, allowance: Allowance): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of unpacked(layer)) {
    allowance.spend(chunk.length);
    hash.update(chunk);
    yield chunk;
  }
  const got = `sha256:${hash.digest('hex')}`;
  if (got === layer.diffId) return;
  throw new ArchiveRefused('BadArchive', `a layer: expected content ${layer.diffId}, got ${got}`);
}

async function* unpacked(layer: Layer): AsyncGenerator<Buffer, void, undefined> {
  const unpacker = unpackerOf(layer.mediaType);
  if (unpacker === undefined) {
    for await (const chunk of layer.read()) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    return;
  }
  // The callback says nothing that reading does not: an error of either stream ends both.
  pipeline(Readable.from(layer.read()), unpacker, () => undefined);
  try {
    for await (const chunk of unpacker as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (!isUnpackError(error)) throw error;
    throw new ArchiveRefused('BadArchive', `a layer of ${layer.mediaType}: ${error.message}`);
  }
}

/** Undefined: a plain tar. */
function unpackerOf(mediaType: string): Duplex | undefined {
  if (/^application\/vnd\.(oci|docker)\.image\.[a-z.]*(layer|rootfs)[a-z.0-9]*tar(\+gzip|\.gzip|\.gz)$/.test(mediaType))
    return createGunzip();
  if (/^application\/vnd\.(oci|docker)\.image\.[a-z.]*(layer|rootfs)[a-z.0-9]*tar(\+zstd|\.zstd)$/.test(mediaType))
    return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax } });
  if (/^application\/vnd\.(oci|docker)\.image\.[a-z.]*(layer|rootfs)[a-z.0-9]*tar$/.test(mediaType)) return undefined;
  throw new ArchiveRefused('UnsupportedLayer', `expected a layer of tar, gzip or zstd, got ${mediaType.slice(0, 120)}`);
}

function isUnpackError(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(Z_|ZSTD_|ERR_ZSTD|ERR__ZLIB|ERR_TRAILING)/.test(code);
}
