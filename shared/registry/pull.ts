import { type Descriptor, isDescriptor } from './descriptor.ts';
import { RegistryFailure } from './failure.ts';
import { digestAlgorithm, digestOf, readManifest } from './manifest.ts';
import { formatReference, type Reference } from './reference.ts';
import { parseJsonBody, type RepositorySession, refusalOf } from './session.ts';

export interface Platform {
  os: string;
  /** As Go names it: `amd64`, `arm64`. */
  architecture: string;
}

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
const layersMax = 128;

/** Reads the whole image; undefined when it is missing. Throws `RegistryFailure`, also for content of another digest. */
export async function pullImage(
  session: RepositorySession,
  reference: Reference,
  platform: Platform,
): Promise<Image | undefined> {
  const what = formatReference(reference);
  const top = await readManifest(session, reference);
  if (top === undefined) return undefined;
  const index = parseJsonBody(top.content) as { manifests?: unknown } | undefined;
  const chosen = Array.isArray(index?.manifests) ? platformDigest(index.manifests, platform) : top.digest;
  if (chosen === undefined) {
    throw new RegistryFailure('UnexpectedAnswer', `${what}: no manifest for ${platform.os}/${platform.architecture}`);
  }
  const { registry, repository } = reference;
  const selected = chosen === top.digest ? top : await readManifest(session, { registry, repository, digest: chosen });
  const manifest = parseJsonBody(selected?.content ?? Buffer.alloc(0)) as
    | { config?: unknown; layers?: unknown }
    | undefined;
  const layers = Array.isArray(manifest?.layers) ? manifest.layers.slice(0, layersMax + 1) : [];
  if (!isDescriptor(manifest?.config) || !layers.every(isDescriptor) || layers.length > layersMax) {
    throw new RegistryFailure('UnexpectedAnswer', `${what}: expected an image manifest of at most ${layersMax} layers`);
  }
  const config = parseJsonBody(await readBlob(session, what, manifest.config)) as { config?: ImageConfig } | undefined;
  const contents: { mediaType: string; content: Buffer }[] = [];
  for (const layer of layers) {
    contents.push({ mediaType: layer.mediaType, content: await readBlob(session, what, layer) });
  }
  return { digest: top.digest, config: config?.config ?? {}, layers: contents };
}

function platformDigest(manifests: readonly unknown[], wanted: Platform): string | undefined {
  const entry = manifests.find((manifest) => {
    const platform = (manifest as { platform?: Partial<Platform> } | null)?.platform;
    return isDescriptor(manifest) && platform?.os === wanted.os && platform.architecture === wanted.architecture;
  });
  return isDescriptor(entry) ? entry.digest : undefined;
}

async function readBlob(session: RepositorySession, what: string, descriptor: Descriptor): Promise<Buffer> {
  const path = `blobs/${descriptor.digest}`;
  const answer = await session.request({ method: 'GET', path, bodyBytesMax: blobBytesMax });
  if (answer.status !== 200) throw refusalOf(answer, `${what} ${path}`);
  const digest = digestOf(answer.body, digestAlgorithm(descriptor.digest));
  if (digest === descriptor.digest) return answer.body;
  throw new RegistryFailure('UnexpectedAnswer', `${what}: expected content ${descriptor.digest}, got ${digest}`);
}
