import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { digestOf } from '../../registry/manifest.ts';
import type { Layer } from '../files/layer.ts';

/** An entry of a layer: a file with this content unless `type` says otherwise. */
export type TestEntry = Partial<Header> & { name: string; content?: string | Uint8Array };

export type TestCompression = 'gzip' | 'zstd' | 'none';

const packers: Record<TestCompression, { suffix: string; pack(tar: Buffer): Buffer }> = {
  gzip: { suffix: '+gzip', pack: (tar) => gzipSync(tar) },
  zstd: { suffix: '+zstd', pack: (tar) => zstdCompressSync(tar) },
  none: { suffix: '', pack: (tar) => tar },
};

/** A layer with its entries as they are written, also wrong ones. Counts how often it was read. */
export async function testLayer(
  entries: readonly TestEntry[],
  compression: TestCompression = 'gzip',
): Promise<Layer & { content: Buffer; reads: number }> {
  const tar = await tarOfEntries(entries);
  const { suffix, pack: packed } = packers[compression];
  return rawLayer(packed(tar), {
    mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`,
    diffId: digestOf(tar),
  });
}

export function rawLayer(content: Buffer, named: { mediaType: string; diffId: string }) {
  const layer = {
    ...named,
    content,
    reads: 0,
    async *read() {
      layer.reads += 1;
      // In pieces, as they come from a connection.
      for (let at = 0; at < content.length; at += 65_521) yield content.subarray(at, at + 65_521);
    },
  };
  return layer;
}

export async function tarOfEntries(entries: readonly TestEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    const full = { mtime: new Date(0), ...header };
    if (content !== undefined || header.type === undefined) archive.entry(full, Buffer.from(content ?? ''));
    else archive.entry(full);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
