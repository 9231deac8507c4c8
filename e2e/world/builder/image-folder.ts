import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../shared/core/hash.ts';
import type { OciImage } from '../registry/oci-image.ts';

interface Written {
  digest: string;
  blobs: string[];
  manifests: { mediaType: string; content: string }[];
}

/** Keeps an image under its name between `build` and `push`, as buildah's storage does. */
export async function keepImage(folder: string, name: string, image: OciImage): Promise<void> {
  const written: Written = {
    digest: image.digest,
    blobs: image.blobs.map((blob) => blob.toString('base64')),
    manifests: image.manifests.map(({ mediaType, content }) => ({ mediaType, content: content.toString('base64') })),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(place(folder, name), JSON.stringify(written));
}

/** Throws for a name under which nothing was kept. */
export async function keptImage(folder: string, name: string): Promise<OciImage> {
  const text = await readFile(place(folder, name), 'utf8').catch(() => {
    throw new Error(`${name}: image not known`);
  });
  const { digest, blobs, manifests } = JSON.parse(text) as Written;
  const bytes = (content: string) => Buffer.from(content, 'base64');
  return {
    digest,
    blobs: blobs.map(bytes),
    manifests: manifests.map(({ mediaType, content }) => ({ mediaType, content: bytes(content) })),
  };
}

function place(folder: string, name: string): string {
  return join(folder, `${sha256Hex(name)}.json`);
}
