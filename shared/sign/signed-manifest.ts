import type { NewLayer } from '../images/files/new-layer.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { type ImageIndex, type ImageManifest, isDockerFamily } from '../registry/image-manifest.ts';
import { digestOf } from '../registry/manifest.ts';

export interface WrittenManifest {
  mediaType: string;
  content: Buffer;
}

/**
 * The configuration and the manifest with one more layer on top. All else stays as it was, members that we do not know too; the
 * image's time of creation is its builder's, so that equal inputs make equal digests.
 */
export function withLayer(
  manifest: ImageManifest,
  config: Record<string, unknown>,
  layer: NewLayer,
): { config: Buffer; manifest: WrittenManifest } {
  const rootfs = config['rootfs'] as { diff_ids: string[] };
  const history = config['history'];
  const { created } = config;
  const entry = { ...(typeof created === 'string' && { created }), created_by: 'kmm-hub: sign kernel modules' };
  const newConfig = json({
    ...config,
    rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, layer.diffId] },
    // Begun here it would not fit the layers below.
    ...(Array.isArray(history) && { history: [...history, entry] }),
  });
  const mediaType = isDockerFamily(manifest)
    ? 'application/vnd.docker.image.rootfs.diff.tar.gzip'
    : 'application/vnd.oci.image.layer.v1.tar+gzip';
  const content = json({
    ...manifest.body,
    config: { ...renewed(manifest.config, newConfig) },
    layers: [...manifest.layers, { mediaType, digest: layer.digest, size: layer.size }],
  });
  return { config: newConfig, manifest: { mediaType: manifest.mediaType, content } };
}

/** The index with new manifests in place of old ones, by their digests. */
export function withManifests(index: ImageIndex, written: ReadonlyMap<string, WrittenManifest>): WrittenManifest {
  const manifests = index.manifests.map((entry) => {
    const manifest = written.get(entry.digest);
    return manifest === undefined ? entry : renewed(entry, manifest.content);
  });
  return { mediaType: index.mediaType, content: json({ ...index.body, manifests }) };
}

/** `data` holds the content itself, and that has changed. */
function renewed({ data: _data, ...descriptor }: Descriptor, content: Buffer): Descriptor {
  return { ...descriptor, digest: digestOf(content), size: content.length } as Descriptor;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
