import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { ImageConfig } from '../../../shared/registry/pull.ts';
import { type StoredManifest, sha256Digest } from './store.ts';

/** One entry of a layer. Folders above it need no entry of their own. */
export type LayerEntry =
  | { path: string; content: string | Uint8Array; mode?: number }
  | { path: string; linkTo: string }
  | { path: string; folder: true; mode?: number };

/** An image ready to be pushed: its blobs, and its manifests with the top-level one last. */
export interface OciImage {
  /** Of the top-level manifest or index. */
  digest: string;
  blobs: readonly Buffer[];
  manifests: readonly StoredManifest[];
}

export interface ImagePlatform {
  os: string;
  architecture: string;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** The platform of this machine as Go names it: what the modelled nodes run. */
export const worldPlatform: ImagePlatform = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };

/** Equal layers and configuration give the same digest: nothing in the image tells when it was made. */
export async function buildImage(options: {
  layers: readonly (readonly LayerEntry[])[];
  config?: ImageConfig;
  platform?: ImagePlatform;
}): Promise<OciImage> {
  const { platform = worldPlatform } = options;
  const archives = await Promise.all(options.layers.map(tarOf));
  const layers = archives.map((archive) => gzipSync(archive));
  const config = json({
    ...platform,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], ...options.config },
    rootfs: { type: 'layers', diff_ids: archives.map(sha256Digest) },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(configType, config),
    layers: layers.map((layer) => descriptor(layerType, layer)),
  });
  const manifests = [{ mediaType: manifestType, content: manifest }];
  return { digest: sha256Digest(manifest), blobs: [config, ...layers], manifests };
}

/** One image of several platforms. */
export function imageIndex(images: readonly { platform: ImagePlatform; image: OciImage }[]): OciImage {
  const entries = images.map(({ platform, image }) => {
    const [top] = image.manifests.slice(-1);
    return { ...descriptor(manifestType, top?.content ?? Buffer.alloc(0)), platform };
  });
  const index = json({ schemaVersion: 2, mediaType: indexType, manifests: entries });
  return {
    digest: sha256Digest(index),
    blobs: images.flatMap(({ image }) => image.blobs),
    manifests: [...images.flatMap(({ image }) => image.manifests), { mediaType: indexType, content: index }],
  };
}

export async function tarOf(entries: readonly LayerEntry[]): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(0);
  for (const entry of entries) {
    const name = entry.path.replace(/^\//, '');
    if ('linkTo' in entry) archive.entry({ name, type: 'symlink', linkname: entry.linkTo, mtime });
    else if ('folder' in entry) archive.entry({ name, type: 'directory', mode: entry.mode ?? 0o755, mtime });
    else archive.entry({ name, mode: entry.mode ?? 0o644, mtime }, Buffer.from(entry.content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function descriptor(mediaType: string, content: Buffer): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: sha256Digest(content), size: content.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
