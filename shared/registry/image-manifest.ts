import { type Descriptor, isDescriptor } from './descriptor.ts';
import { RegistryFailure } from './failure.ts';
import { readManifest } from './manifest.ts';
import { formatReference, type Reference } from './reference.ts';
import { parseJsonBody, type RepositorySession } from './session.ts';

export interface Platform {
  os: string;
  /** As Go names it: `amd64`, `arm64`. */
  architecture: string;
}

interface Stored {
  digest: string;
  mediaType: string;
  content: Buffer;
  /** The content, with all its members. */
  body: Record<string, unknown>;
}

/** An image for one platform, or another artifact of that shape. */
export interface ImageManifest extends Stored {
  kind: 'manifest';
  config: Descriptor;
  /** The lowest first. */
  layers: readonly Descriptor[];
}

/** One image for several platforms. */
export interface ImageIndex extends Stored {
  kind: 'index';
  manifests: readonly Descriptor[];
}

const layersMax = 128;
const manifestsMax = 64;
const docker = 'application/vnd.docker.';

/** What a reference names, held to its digest; undefined when it is missing. Throws `RegistryFailure`. */
export async function readImage(
  session: RepositorySession,
  reference: Reference,
): Promise<ImageManifest | ImageIndex | undefined> {
  const read = await readManifest(session, reference);
  if (read === undefined) return undefined;
  const body = parseJsonBody(read.content) as Record<string, unknown>;
  const { config, layers, manifests, mediaType } = body;
  const stored = { digest: read.digest, content: read.content, body };
  const stated = typeof mediaType === 'string' ? mediaType : undefined;
  if (isListOf(manifests, manifestsMax)) {
    return { kind: 'index', ...stored, mediaType: stated ?? 'application/vnd.oci.image.index.v1+json', manifests };
  }
  if (isDescriptor(config) && isListOf(layers, layersMax)) {
    return { kind: 'manifest', ...stored, mediaType: stated ?? manifestType(config), config, layers };
  }
  const expected = `expected an image of at most ${layersMax} layers or an index of at most ${manifestsMax} images`;
  throw new RegistryFailure('UnexpectedAnswer', `${formatReference(reference)}: ${expected}`);
}

/** The image for a platform, and the digest of what the reference names. An image without an index is for whoever asks. */
export async function readPlatformImage(
  session: RepositorySession,
  reference: Reference,
  platform: Platform,
): Promise<{ digest: string; manifest: ImageManifest | undefined } | undefined> {
  const top = await readImage(session, reference);
  if (top === undefined) return undefined;
  if (top.kind === 'manifest') return { digest: top.digest, manifest: top };
  const chosen = top.manifests.find((entry) => {
    const named = entry['platform'] as Partial<Platform> | null | undefined;
    return named?.os === platform.os && named.architecture === platform.architecture;
  });
  const manifest = chosen && (await readChild(session, reference, chosen));
  return { digest: top.digest, manifest: manifest?.kind === 'manifest' ? manifest : undefined };
}

/** What an entry of an index names: the registry that has the index has it too. */
export async function readChild(
  session: RepositorySession,
  { registry, repository }: Reference,
  { digest }: Descriptor,
): Promise<ImageManifest | ImageIndex> {
  const child = await readImage(session, { registry, repository, digest });
  if (child !== undefined) return child;
  throw new RegistryFailure(
    'UnexpectedAnswer',
    `${registry}/${repository}: the index names ${digest}, which is missing`,
  );
}

/** Docker's media types and OCI's are not mixed in an image. */
export function isDockerFamily({ config }: Pick<ImageManifest, 'config'>): boolean {
  return config.mediaType.startsWith(docker);
}

function manifestType(config: Descriptor): string {
  const isDocker = isDockerFamily({ config });
  return isDocker ? `${docker}distribution.manifest.v2+json` : 'application/vnd.oci.image.manifest.v1+json';
}

function isListOf(value: unknown, max: number): value is Descriptor[] {
  return Array.isArray(value) && value.length <= max && value.every(isDescriptor);
}
