import { cp, rm } from 'node:fs/promises';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { RegistryClient } from '../../../shared/registry/client.ts';
import { type DockerConfig, type Login, loginsFor } from '../../../shared/registry/docker-config.ts';
import { RegistryFailure } from '../../../shared/registry/failure.ts';
import type { Image, ImageConfig } from '../../../shared/registry/pull.ts';
import {
  formatReference,
  parseReference,
  pinnedReference,
  type Reference,
} from '../../../shared/registry/reference.ts';
import { extractLayers, LayerError } from './rootfs.ts';

export interface StoredImage {
  /** `repository@digest`, as kubelet reports it in `imageID`. */
  readonly id: string;
  readonly config: ImageConfig;
  readonly rootfs: string;
}

export interface ImageRequest {
  readonly image: string;
  readonly pullPolicy: string | undefined;
  readonly logins: readonly DockerConfig[];
}

/** Why there is no image; `reason` is the container's waiting reason. */
export class ImageError extends Error {
  override name = 'ImageError';
  readonly reason: 'ErrImagePull' | 'ErrImageNeverPull' | 'InvalidImageName';
  constructor(reason: ImageError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Architecture names of Go for Node's. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The images on one node's disk, each unpacked once. Pulls go one after the other, as kubelet does by default. */
export class ImageStore {
  readonly #registry: RegistryClient;
  readonly #folder: string;
  readonly #architecture: string;
  readonly #byName = new Map<string, StoredImage>();
  /** Unpacked content; several names may have the same. */
  readonly #byDigest = new Map<string, Omit<StoredImage, 'id'>>();
  #pulling: Promise<unknown> = Promise.resolve();

  constructor(options: { registry: RegistryClient; folder: string }) {
    this.#registry = options.registry;
    this.#folder = options.folder;
    this.#architecture = goArchitecture();
  }

  /** Whether `ensure` would ask the registry: only then the pull's back-off counts. */
  needsPull(image: string, pullPolicy: string | undefined): boolean {
    return effectivePolicy(image, pullPolicy) === 'Always' || !this.#byName.has(image);
  }

  /** The image, pulled when its policy says so. Throws `ImageError`. */
  ensure(request: ImageRequest): Promise<StoredImage> {
    const pull = this.#pulling.then(() => this.#ensure(request));
    this.#pulling = pull.catch(() => undefined);
    return pull;
  }

  /** A container's own copy of an image's files. */
  async copyTo(image: StoredImage, rootfs: string): Promise<void> {
    await cp(image.rootfs, rootfs, { recursive: true, verbatimSymlinks: true });
  }

  /** Takes an image off the node's disk, as its garbage collection may. */
  async remove(image: string): Promise<void> {
    const stored = this.#byName.get(image);
    this.#byName.delete(image);
    if (stored === undefined || [...this.#byName.values()].some(({ rootfs }) => rootfs === stored.rootfs)) return;
    for (const [digest, { rootfs }] of this.#byDigest) if (rootfs === stored.rootfs) this.#byDigest.delete(digest);
    await rm(stored.rootfs, { recursive: true });
  }

  async #ensure({ image, pullPolicy, logins }: ImageRequest): Promise<StoredImage> {
    const parsed = parseReference(image);
    if (parsed.kind === 'invalid') {
      const why = `couldn't parse image name "${image}": invalid reference format`;
      throw new ImageError('InvalidImageName', `Failed to apply default image tag "${image}": ${why}`);
    }
    const policy = effectivePolicy(image, pullPolicy);
    const present = this.#byName.get(image);
    if (policy !== 'Always' && present !== undefined) return present;
    if (policy === 'Never') {
      throw new ImageError('ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`);
    }
    const pulled = await this.#pull(parsed.reference, logins);
    const stored = { id: pinnedReference(parsed.reference, pulled.digest), ...(await this.#unpack(pulled)) };
    this.#byName.set(image, stored);
    return stored;
  }

  async #pull(reference: Reference, logins: readonly DockerConfig[]): Promise<Image> {
    const name = formatReference(reference);
    const credentials = logins.flatMap((config) => loginsFor(config, reference));
    const tls = { insecure: false, insecureSkipTLSVerify: false };
    const failed = (code: string, why: string) =>
      new ImageError(
        'ErrImagePull',
        `rpc error: code = ${code} desc = failed to pull and unpack image "${name}": ${why}`,
      );
    try {
      const platform = { os: 'linux', architecture: this.#architecture };
      const image = await this.#registry.pull({ reference, tls, credentials: credentials.map(asCredential) }, platform);
      if (image === undefined) throw failed('NotFound', `failed to resolve reference "${name}": ${name}: not found`);
      return image;
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      throw failed('Unknown', `failed to resolve reference "${name}": ${error.message}`);
    }
  }

  async #unpack(image: Image): Promise<Omit<StoredImage, 'id'>> {
    const known = this.#byDigest.get(image.digest);
    if (known !== undefined) return known;
    const rootfs = `${this.#folder}/${image.digest.replace(':', '-')}`;
    try {
      await rm(rootfs, { recursive: true, force: true });
      await extractLayers(
        image.layers.map((layer) => layer.content),
        rootfs,
      );
    } catch (error) {
      const why = `failed to extract layer: ${errorMessage(error)}`;
      if (error instanceof LayerError) throw new ImageError('ErrImagePull', why);
      throw error;
    }
    const content = { config: image.config, rootfs };
    this.#byDigest.set(image.digest, content);
    return content;
  }
}

/** What the API server fills in when the field is empty. */
function effectivePolicy(image: string, policy: string | undefined): string {
  if (policy) return policy;
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') return 'IfNotPresent';
  const { tag, digest } = parsed.reference;
  return digest === undefined && (tag ?? 'latest') === 'latest' ? 'Always' : 'IfNotPresent';
}

function asCredential(login: Login): Login & { insecureAllowed: boolean } {
  return { ...login, insecureAllowed: false };
}

export function goArchitecture(): string {
  return architectures[process.arch] ?? process.arch;
}
