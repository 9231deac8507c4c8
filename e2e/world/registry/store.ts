import { createHash } from 'node:crypto';

export interface StoredManifest {
  mediaType: string;
  content: Buffer;
}

interface Repository {
  manifests: Map<string, StoredManifest>;
  tags: Map<string, string>;
}

/** What the registry holds: blobs by digest, and which repositories may see one; manifests and tags a repository. */
export class RegistryStore {
  readonly #blobs = new Map<string, Buffer>();
  readonly #owners = new Map<string, Set<string>>();
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, Buffer[]>();

  blob(digest: string): Buffer | undefined {
    return this.#blobs.get(digest);
  }

  /** As a repository sees it: what came by another one is not there. A blob that no repository has named is everybody's. */
  blobIn(repository: string, digest: string): Buffer | undefined {
    const owners = this.#owners.get(digest);
    return owners === undefined || owners.has(repository) ? this.#blobs.get(digest) : undefined;
  }

  putBlob(content: Buffer, repository?: string): string {
    const digest = sha256Digest(content);
    this.#blobs.set(digest, content);
    if (repository !== undefined) this.own(repository, digest);
    return digest;
  }

  own(repository: string, digest: string): void {
    const owners = this.#owners.get(digest) ?? new Set();
    this.#owners.set(digest, owners.add(repository));
  }

  hasRepository(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  tags(repository: string): readonly string[] | undefined {
    const found = this.#repositories.get(repository);
    return found && [...found.tags.keys()].sort();
  }

  /** `reference` is a tag or a digest. */
  manifest(repository: string, reference: string): (StoredManifest & { digest: string }) | undefined {
    const found = this.#repositories.get(repository);
    const digest = found?.tags.get(reference) ?? reference;
    const manifest = found?.manifests.get(digest);
    return manifest && { ...manifest, digest };
  }

  /** Stores under its digest, and under `reference` when that is a tag. */
  putManifest(repository: string, reference: string, manifest: StoredManifest): string {
    const digest = sha256Digest(manifest.content);
    const found = this.#repositories.get(repository) ?? { manifests: new Map(), tags: new Map() };
    this.#repositories.set(repository, found);
    found.manifests.set(digest, manifest);
    for (const blob of blobsOf(manifest.content)) if (this.#blobs.has(blob)) this.own(repository, blob);
    if (!reference.includes(':')) found.tags.set(reference, digest);
    return digest;
  }

  /** A tag goes alone; a digest goes with all tags that named it. Whether there was anything. */
  deleteManifest(repository: string, reference: string): boolean {
    const found = this.#repositories.get(repository);
    if (found === undefined) return false;
    if (!reference.includes(':')) return found.tags.delete(reference);
    for (const [tag, digest] of found.tags) if (digest === reference) found.tags.delete(tag);
    return found.manifests.delete(reference);
  }

  beginUpload(id: string): void {
    this.#uploads.set(id, []);
  }

  /** Bytes received so far, with `chunk`; undefined for an upload that there is not. */
  appendUpload(id: string, chunk: Buffer): number | undefined {
    const chunks = this.#uploads.get(id);
    chunks?.push(chunk);
    return chunks?.reduce((sum, { length }) => sum + length, 0);
  }

  endUpload(id: string): Buffer | undefined {
    const chunks = this.#uploads.get(id);
    this.#uploads.delete(id);
    return chunks && Buffer.concat(chunks);
  }
}

export function sha256Digest(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function blobsOf(manifest: Buffer): string[] {
  return [...manifest.toString('utf8').matchAll(/"digest":"(sha256:[0-9a-f]{64})"/g)].map((match) => match[1] ?? '');
}
