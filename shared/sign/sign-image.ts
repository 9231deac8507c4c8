import { join } from 'node:path';
import { readTree } from '../images/files/image-files.ts';
import { layersOf } from '../images/files/image-layers.ts';
import type { ImageTarget, RegistryClient } from '../registry/client.ts';
import { type ImageIndex, type ImageManifest, readChild, readImage } from '../registry/image-manifest.ts';
import { digestOf } from '../registry/manifest.ts';
import { apiHost, formatReference } from '../registry/reference.ts';
import type { RepositorySession } from '../registry/session.ts';
import { putManifest } from '../registry/upload.ts';
import { ImageRefused } from './image-refused.ts';
import type { SigningPair } from './key-pair.ts';
import { type ImageToPush, pushImage } from './push-signed.ts';
import { type Selection, selectFiles } from './selection.ts';
import { writeSignedLayer } from './sign-layer.ts';
import { withLayer, withManifests } from './signed-manifest.ts';

export interface SignImageOptions {
  client: RegistryClient;
  unsigned: ImageTarget;
  /** With a tag. It appears when all of the image is there. */
  signed: ImageTarget;
  /** Patterns of paths, variables substituted. */
  filesToSign: readonly string[];
  dirName: string;
  pair: SigningPair;
  /** Empty, ours alone: holds the new layers until they are pushed. */
  folder: string;
}

export type SignedImage = { kind: 'signed'; digest: string; files: readonly string[] } | { kind: 'missing' };

/**
 * Signs modules of an image in one new layer on top of it, and pushes the result; nothing is pushed before all is signed.
 * Equal image, files and RSA key give an equal digest. Of an index every image that holds matching files is signed.
 * Cost: the unsigned image is read once for names and once more for the layers that hold the files; memory is that of the names and of
 * one file. Throws `ImageRefused`, `ArchiveRefused` and `SigningRefused` for what only a person can change, else `RegistryFailure`.
 */
export async function signImage(options: SignImageOptions): Promise<SignedImage> {
  const { client, unsigned, signed } = options;
  const prepared = await client.within(unsigned, {}, async (source) => {
    const top = await readImage(source, unsigned.reference);
    return top && { source, top, images: await signImages(source, top, options) };
  });
  if (prepared === undefined) return { kind: 'missing' };
  const { source, top, images } = prepared;
  const isSameRegistry = apiHost(unsigned.reference) === apiHost(signed.reference);
  const mountFrom = isSameRegistry ? unsigned.reference.repository : undefined;
  const scope = { push: true, mountFrom: mountFrom === undefined ? [] : [mountFrom] };
  const written = new Map(
    images.flatMap(({ original, signed: own }) => (own ? [[original.digest, own.manifest]] : [])),
  );
  const manifest = top.kind === 'index' ? withManifests(top, written) : (written.get(top.digest) ?? top);
  await client.within(signed, scope, async (target) => {
    for (const image of images) await pushImage(image, { source, target, mountFrom });
    await putManifest(target, signed.reference.tag, manifest);
  });
  const files = [...new Set(images.flatMap(({ files: own }) => own))].sort();
  return { kind: 'signed', digest: digestOf(manifest.content), files };
}

type SignedOne = ImageToPush & { files: readonly string[]; selection: Selection | undefined };

async function signImages(
  source: RepositorySession,
  top: ImageManifest | ImageIndex,
  options: SignImageOptions,
): Promise<SignedOne[]> {
  const manifests: ImageManifest[] = [];
  for (const entry of top.kind === 'index' ? top.manifests : []) {
    const child = await readChild(source, options.unsigned.reference, entry);
    if (child.kind === 'index') throw unsupported(options, 'an index within an index');
    manifests.push(child);
  }
  if (top.kind === 'manifest') manifests.push(top);
  const images: SignedOne[] = [];
  for (const [index, manifest] of manifests.entries()) {
    const file = join(options.folder, `layer-${index}`);
    images.push(await signOne(source, manifest, { ...options, file }));
  }
  requireMatches(images, options);
  return images;
}

async function signOne(
  source: RepositorySession,
  original: ImageManifest,
  options: SignImageOptions & { file: string },
): Promise<SignedOne> {
  if (!isImage(original)) return { original, signed: undefined, files: [], selection: undefined };
  const { config, layers } = await layersOf(source, original);
  const tree = await readTree(layers);
  const selection = selectFiles(tree, options);
  // Some but not all: the whole is refused below, and need not be signed.
  if (selection.unmatched.length > 0) return { original, signed: undefined, files: [], selection };
  const layer = await writeSignedLayer({ layers, tree }, selection.files, options);
  const files = selection.files.flatMap(({ paths }) => paths);
  return { original, signed: { ...withLayer(original, config, layer), layer }, files, selection };
}

/** Each pattern names a file, and no image is signed by halves: one in which none matches is for another kind of node. */
function requireMatches(images: readonly SignedOne[], options: SignImageOptions): void {
  const selections = images.flatMap(({ selection }) => selection ?? []);
  const halves = selections.filter(({ files, unmatched }) => files.length > 0 && unmatched.length > 0);
  const isNowhere = selections.every(({ files }) => files.length === 0);
  const unmatched = (isNowhere ? selections : halves).flatMap((selection) => selection.unmatched);
  if (selections.length === 0) throw unsupported(options, 'no image with files');
  if (unmatched.length === 0) return;
  const named = [...new Set(unmatched)].slice(0, 5).map((pattern) => JSON.stringify(pattern));
  const what = `filesToSign: expected files in ${formatReference(options.unsigned.reference)}, found none for`;
  throw new ImageRefused('NothingMatches', `${what} ${named.join(', ')}`);
}

/** Attestations and the like stand in an index beside images: of the same shape, but their layers are no archives of files. */
function isImage({ config, layers }: ImageManifest): boolean {
  const isConfig = /^application\/vnd\.(oci\.image\.config|docker\.container\.image)\.v1\+json$/.test(config.mediaType);
  return isConfig && layers.every(({ mediaType }) => mediaType.includes('.tar'));
}

function unsupported({ unsigned }: SignImageOptions, got: string): ImageRefused {
  return new ImageRefused('UnsupportedImage', `${formatReference(unsigned.reference)}: expected an image, got ${got}`);
}
