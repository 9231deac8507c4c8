import { applyEntry, metadataOf } from './apply.ts';
import { ArchiveRefused } from './archive-refused.ts';
import { entriesOf } from './entries.ts';
import { Allowance, type Layer, tarOf } from './layer.ts';
import { emptyTree, type File, type Metadata, type Tree } from './tree.ts';

/** Of all layers together. */
export interface ImageBounds {
  layersMax: number;
  entriesMax: number;
  unpackedBytesMax: number;
}

/** A node of the tree is some 250 bytes: 75 MB at the most. The largest images of a toolkit have 120,000 entries. */
const boundsDefault: ImageBounds = { layersMax: 128, entriesMax: 300_000, unpackedBytesMax: 24 * 1024 ** 3 };
/** A file is held in memory when it is wanted. */
export const fileBytesMax = 128 * 1024 * 1024;

export interface FoundFile {
  file: File;
  metadata: Metadata;
  content: Buffer;
}

/**
 * The final file system of an image; its layers, the lowest first, are read once as streams. Cost: every byte is downloaded and
 * unpacked, memory is that of the names. Throws `ArchiveRefused`, and what reading throws.
 */
export async function readTree(layers: readonly Layer[], bounds = boundsDefault): Promise<Tree> {
  const { layersMax, entriesMax, unpackedBytesMax } = bounds;
  if (layers.length > layersMax)
    throw new ArchiveRefused('ArchiveTooLarge', `expected at most ${layersMax} layers, got ${layers.length}`);
  const tree = emptyTree();
  const allowance = new Allowance(unpackedBytesMax);
  let entries = 0;
  for (const [index, layer] of layers.entries()) {
    for await (const { ordinal, header } of entriesOf(tarOf(layer, allowance))) {
      entries += 1;
      if (entries > entriesMax)
        throw new ArchiveRefused('ArchiveTooLarge', `the layers have more than ${entriesMax} entries`);
      applyEntry(tree, { layer: index, ordinal }, header);
    }
  }
  return tree;
}

/** The content of files of the tree, one at a time: by layer, in the order of the layer. Only layers that have one are read again. */
export async function* contentsOf(
  layers: readonly Layer[],
  files: readonly File[],
): AsyncGenerator<FoundFile, void, undefined> {
  for (const file of files) requireSize(file);
  const allowance = new Allowance(boundsDefault.unpackedBytesMax);
  for (const [index, layer] of layers.entries()) {
    const wanted = new Map(
      files.flatMap((file) => (file.content.layer === index ? [[file.content.ordinal, file]] : [])),
    );
    if (wanted.size === 0) continue;
    // To the end, although the last file may come early: only there it is known that the content is the image's.
    for await (const { ordinal, header, content } of entriesOf(tarOf(layer, allowance))) {
      const file = wanted.get(ordinal);
      if (file === undefined) continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      yield { file, metadata: metadataOf(header), content: Buffer.concat(chunks) };
    }
  }
}

function requireSize({ size }: File): void {
  if (size <= fileBytesMax) return;
  throw new ArchiveRefused('FileTooLarge', `expected a file of at most ${fileBytesMax} bytes, got ${size}`);
}
