import { isRecord } from '../../core/record.ts';
import { readBlob, readSmallBlob } from '../../registry/blob.ts';
import type { ImageManifest } from '../../registry/image-manifest.ts';
import { parseJsonBody, type RepositorySession } from '../../registry/session.ts';
import { ArchiveRefused } from './archive-refused.ts';
import type { Layer } from './layer.ts';

export interface LayeredImage {
  /** Of the image, with all its members. */
  config: Record<string, unknown>;
  layers: readonly Layer[];
}

const configBytesMax = 4 * 1024 * 1024;

/** An image's configuration and its layers, which are read from the registry when they are wanted. Throws `ArchiveRefused`. */
export async function layersOf(session: RepositorySession, manifest: ImageManifest): Promise<LayeredImage> {
  const config = parseJsonBody(await readSmallBlob(session, manifest.config, configBytesMax));
  const rootfs = isRecord(config) ? config['rootfs'] : undefined;
  const diffIds: unknown = isRecord(rootfs) ? rootfs['diff_ids'] : undefined;
  const isComplete = Array.isArray(diffIds) && diffIds.length === manifest.layers.length;
  if (!isRecord(config) || !isComplete || !diffIds.every((each) => typeof each === 'string')) {
    const expected = `expected a configuration with the content of ${manifest.layers.length} layers`;
    throw new ArchiveRefused('BadArchive', `image ${manifest.digest}: ${expected}`);
  }
  const layers = manifest.layers.map((layer, index) => ({
    mediaType: layer.mediaType,
    diffId: diffIds[index] ?? '',
    read: () => readBlob(session, layer),
  }));
  return { config, layers };
}
