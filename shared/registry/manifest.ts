import { createHash } from 'node:crypto';
import { RegistryFailure } from './failure.ts';
import type { HttpAnswer } from './http-message.ts';
import { formatReference, isDigest, type Reference } from './reference.ts';
import { parseJsonBody, type RepositorySession, refusalOf } from './session.ts';

/** Index or manifest of both families: without the index types a registry picks one platform, with another digest. */
const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The OCI distribution specification asks registries to take manifests of at least this size. */
const manifestBytesMax = 4 * 1024 * 1024;

/** The digest of the top-level manifest or index, or undefined when the image is missing. Throws `RegistryFailure`. */
export async function manifestDigest(session: RepositorySession, reference: Reference): Promise<string | undefined> {
  const { path, accept } = manifestRequest(reference);
  const head = await session.request({ method: 'HEAD', path, accept, bodyBytesMax: 0 });
  const stated = head.header('docker-content-digest');
  if (head.status === 200 && isDigest(stated)) return agreeing(reference, stated);
  // 405: HEAD is not served. 404 has no body that says what is missing. 200 without digest: it is taken from the content.
  if (![200, 404, 405].includes(head.status)) throw refusalOf(head, formatReference(reference));
  return (await readManifest(session, reference))?.digest;
}

export interface ReadManifest {
  digest: string;
  content: Buffer;
  /** As the registry says; the content may say it too. */
  mediaType: string | undefined;
}

/** The manifest or index itself, held to the digest that the reference names; undefined when it is missing. */
export async function readManifest(
  session: RepositorySession,
  reference: Reference,
): Promise<ReadManifest | undefined> {
  const { path, accept } = manifestRequest(reference);
  const get = await session.request({ method: 'GET', path, accept, bodyBytesMax: manifestBytesMax });
  if (get.status === 404 && saysUnknown(get)) return undefined;
  if (get.status !== 200) throw refusalOf(get, formatReference(reference));
  if (!isManifest(get.body)) {
    throw new RegistryFailure(
      'UnexpectedAnswer',
      `${formatReference(reference)}: expected a manifest of schema version 2`,
    );
  }
  const digest = agreeing(reference, digestOf(get.body, digestAlgorithm(reference.digest ?? '')));
  return { digest, content: get.body, mediaType: get.header('content-type')?.replace(/;.*/s, '').trim() };
}

/** Of a digest's text; sha256 where it says no other. */
export function digestAlgorithm(digest: string): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function digestOf(content: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
}

function manifestRequest(reference: Reference): { path: string; accept: string } {
  return {
    path: `manifests/${reference.digest ?? reference.tag ?? 'latest'}`,
    accept: manifestTypes.join(', '),
  };
}

function agreeing(reference: Reference, digest: string): string {
  if (reference.digest === undefined || reference.digest === digest) return digest;
  throw new RegistryFailure('UnexpectedAnswer', `${formatReference(reference)}: the registry answers with ${digest}`);
}

/** A portal or proxy answers 200 too, with a page of its own: that is no image. */
function isManifest(content: Buffer): boolean {
  return (parseJsonBody(content) as { schemaVersion?: unknown } | null | undefined)?.schemaVersion === 2;
}

/** Only these two codes mean *missing*: any server between us and the registry may answer 404 (contract 8). */
function saysUnknown(answer: HttpAnswer): boolean {
  const content = parseJsonBody(answer.body) as { errors?: unknown } | null | undefined;
  const errors: unknown[] = Array.isArray(content?.errors) ? content.errors : [];
  const codes = errors.map((error) => (error as { code?: unknown } | null)?.code);
  return codes.includes('MANIFEST_UNKNOWN') || codes.includes('NAME_UNKNOWN');
}
