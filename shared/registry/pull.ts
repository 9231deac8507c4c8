import { readSmallBlob } from './blob.ts';
import { RegistryFailure } from './failure.ts';
import { type Platform, readPlatformImage } from './image-manifest.ts';
import { formatReference, type Reference } from './reference.ts';
import { parseJsonBody, type RepositorySession } from './session.ts';

/** The part of an image's configuration that running it needs. */
export interface ImageConfig {
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  User?: string;
}

/** An image for one platform. Layers are as stored (usually gzip of tar), the lowest first. */
export interface Image {
  /** Of the manifest or index that the reference named. */
  digest: string;
  config: ImageConfig;
  layers: readonly { mediaType: string; content: Buffer }[];
}

const blobBytesMax = 256 * 1024 * 1024;

/** Reads the whole image; undefined when it is missing. Throws `RegistryFailure`, also for content of another digest. */
export async function pullImage(
  session: RepositorySession,
  reference: Reference,
  platform: Platform,
): Promise<Image | undefined> {
  const found = await readPlatformImage(session, reference, platform);
  if (found === undefined) return undefined;
  const { digest, manifest } = found;
  if (manifest === undefined) {
    const what = `no manifest for ${platform.os}/${platform.architecture}`;
    throw new RegistryFailure('UnexpectedAnswer', `${formatReference(reference)}: ${what}`);
  }
  const config = parseJsonBody(await readSmallBlob(session, manifest.config, blobBytesMax)) as
    | { config?: ImageConfig }
    | undefined;
  const layers: { mediaType: string; content: Buffer }[] = [];
  for (const layer of manifest.layers) {
    layers.push({ mediaType: layer.mediaType, content: await readSmallBlob(session, layer, blobBytesMax) });
  }
  return { digest, config: config?.config ?? {}, layers };
}
