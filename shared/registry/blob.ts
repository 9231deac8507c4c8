import { createHash } from 'node:crypto';
import type { Descriptor } from './descriptor.ts';
import { RegistryFailure } from './failure.ts';
import { digestAlgorithm } from './manifest.ts';
import { type RepositorySession, refusalOf } from './session.ts';

/**
 * A blob's bytes as they come, however large it is. Who reads to the end has read exactly what the descriptor names: another
 * size or digest throws `RegistryFailure` in place of the end, so that nothing read may count before the end.
 */
export async function* readBlob(
  session: RepositorySession,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): AsyncGenerator<Buffer, void, undefined> {
  const path = `blobs/${digest}`;
  const answer = await session.stream({ method: 'GET', path, bodyBytesMax: size });
  if (answer.status !== 200) {
    answer.discard();
    throw refusalOf(answer, `blob ${digest}`);
  }
  const hash = createHash(digestAlgorithm(digest));
  let bytes = 0;
  for await (const chunk of answer.chunks()) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  const got = `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
  if (got === digest && bytes === size) return;
  throw new RegistryFailure('UnexpectedAnswer', `blob ${digest}: expected ${size} bytes, got ${bytes} of ${got}`);
}

/** A small blob whole; the descriptor's size may not exceed `bytesMax`. */
export async function readSmallBlob(
  session: RepositorySession,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
  bytesMax: number,
): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > bytesMax) {
    throw new RegistryFailure('UnexpectedAnswer', `blob ${digest}: expected at most ${bytesMax} bytes, got ${size}`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of readBlob(session, descriptor)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function hasBlob(session: RepositorySession, digest: string): Promise<boolean> {
  const answer = await session.request({ method: 'HEAD', path: `blobs/${digest}`, bodyBytesMax: 0 });
  if (answer.status === 200) return true;
  // No body says what is missing; where HEAD is not served (405), uploading again does no harm.
  if (answer.status === 404 || answer.status === 405) return false;
  throw refusalOf(answer, `blob ${digest}`);
}
