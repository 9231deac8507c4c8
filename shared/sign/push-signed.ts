import { createReadStream } from 'node:fs';
import type { NewLayer } from '../images/files/new-layer.ts';
import { hasBlob, readBlob } from '../registry/blob.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import type { ImageManifest } from '../registry/image-manifest.ts';
import { digestOf } from '../registry/manifest.ts';
import type { RepositorySession } from '../registry/session.ts';
import { mountBlob, once, putManifest, uploadBlob } from '../registry/upload.ts';
import type { WrittenManifest } from './signed-manifest.ts';

/** An image of the signed image: as it was, or with what was made for it. */
export interface ImageToPush {
  original: ImageManifest;
  signed: { config: Buffer; manifest: WrittenManifest; layer: NewLayer } | undefined;
}

export interface Destination {
  source: RepositorySession;
  target: RepositorySession;
  /** The source's repository, where both are in one registry; unchanged layers are mounted from it. */
  mountFrom: string | undefined;
}

/** Stores all that an image consists of, and last its manifest under its digest: nobody ever sees half of one. */
export async function pushImage({ original, signed }: ImageToPush, to: Destination): Promise<void> {
  const { target } = to;
  for (const layer of original.layers) await takeOver(layer, to);
  if (signed === undefined) {
    await takeOver(original.config, to);
    await putManifest(target, undefined, original);
    return;
  }
  const { layer, config, manifest } = signed;
  await upload(target, layer, () => createReadStream(layer.file));
  await upload(target, { digest: digestOf(config), size: config.length }, () => once(config));
  await putManifest(target, undefined, manifest);
}

/** The blob's bytes are never changed: there already, mounted, or copied as they are. */
async function takeOver(blob: Descriptor, { source, target, mountFrom }: Destination): Promise<void> {
  if (await hasBlob(target, blob.digest)) return;
  if (mountFrom !== undefined && (await mountBlob(target, blob.digest, mountFrom))) return;
  await uploadBlob(target, blob, () => readBlob(source, blob));
}

async function upload(
  target: RepositorySession,
  blob: Pick<Descriptor, 'digest' | 'size'>,
  read: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  if (!(await hasBlob(target, blob.digest))) await uploadBlob(target, blob, read);
}
