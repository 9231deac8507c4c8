import { contentsOf } from '../images/files/image-files.ts';
import type { Layer } from '../images/files/layer.ts';
import { type NewFile, type NewLayer, writeLayer } from '../images/files/new-layer.ts';
import type { Tree } from '../images/files/tree.ts';
import type { SigningPair } from './key-pair.ts';
import { openKo } from './ko-file.ts';
import { signModule } from './module-signature.ts';
import type { SelectedFile } from './selection.ts';
import { SigningRefused } from './signing-refused.ts';

/** Writes to `file` a layer of the selected files, signed; one of them is in memory at a time. Throws `SigningRefused`. */
export function writeSignedLayer(
  image: { layers: readonly Layer[]; tree: Tree },
  selected: readonly SelectedFile[],
  how: { pair: SigningPair; file: string },
): Promise<NewLayer> {
  return writeLayer(how.file, image.tree, signedFiles(image.layers, selected, how.pair));
}

async function* signedFiles(
  layers: readonly Layer[],
  selected: readonly SelectedFile[],
  pair: SigningPair,
): AsyncGenerator<NewFile> {
  const pathsOf = new Map(selected.map(({ file, paths }) => [file, paths]));
  for await (const { file, metadata, content } of contentsOf(layers, [...pathsOf.keys()])) {
    const [path = '', ...alsoAt] = pathsOf.get(file) ?? [];
    yield { path, alsoAt, metadata, content: await signedContent(path, content, pair) };
  }
}

async function signedContent(path: string, content: Buffer, pair: SigningPair): Promise<Buffer> {
  try {
    const ko = await openKo(path, content);
    return await ko.pack(signModule(ko.content, pair));
  } catch (error) {
    if (!(error instanceof SigningRefused) || error.message.startsWith(path)) throw error;
    throw new SigningRefused(error.reason, `${path}: ${error.message}`);
  }
}
