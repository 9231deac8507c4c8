import type { Descriptor } from './descriptor.ts';
import { RegistryFailure } from './failure.ts';
import type { HttpAnswer, HttpContent } from './http-message.ts';
import { digestOf } from './manifest.ts';
import { isDigest } from './reference.ts';
import { type RepositorySession, refusalOf } from './session.ts';

const answerBytesMax = 64 * 1024;
/** What is held of a blob at once where it has to go in pieces. */
const chunkBytesDefault = 8 * 1024 * 1024;
/** A registry that wants larger pieces than this wants our memory. */
const chunkBytesMax = 64 * 1024 * 1024;

/**
 * Stores a blob: in one request, or in pieces where the registry says that it wants them (`OCI-Chunk-Min-Length`) or refuses one
 * so large (413). Content whose size or digest is another is refused by the registry. Throws `RegistryFailure`.
 */
export async function uploadBlob(
  session: RepositorySession,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  read: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  const what = `upload of ${digest}`;
  const begun = await session.request({ method: 'POST', path: 'blobs/uploads/', bodyBytesMax: answerBytesMax });
  if (begun.status !== 202) throw refusalOf(begun, what);
  const pieceBytes = Number(begun.header('oci-chunk-min-length') ?? 0);
  if (Number.isSafeInteger(pieceBytes) && pieceBytes > 0 && size > 0) {
    return uploadPieces(session, { digest, read, begun, pieceBytes });
  }
  const done = await finish(session, begun, digest, { bytes: size, read });
  if (done.status === 201) return;
  if (done.status !== 413) throw refusalOf(done, what);
  const again = await session.request({ method: 'POST', path: 'blobs/uploads/', bodyBytesMax: answerBytesMax });
  if (again.status !== 202) throw refusalOf(again, what);
  await uploadPieces(session, { digest, read, begun: again, pieceBytes: chunkBytesDefault });
}

/** Whether the registry took the blob over from another of its repositories. Never a failure: what is not mounted is copied. */
export async function mountBlob(session: RepositorySession, digest: string, from: string): Promise<boolean> {
  const path = `blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
  const answer = await session.request({ method: 'POST', path, bodyBytesMax: answerBytesMax });
  if (answer.status === 201) return true;
  // An upload has been begun instead, and nobody will go on with it.
  if (answer.status === 202) await cancel(session, answer);
  if (answer.status < 500 && answer.status !== 429) return false;
  throw refusalOf(answer, `mount of ${digest} from ${from}`);
}

/** Begins an upload and takes it back: whether who asks may push. Throws `RegistryFailure`, `AccessDenied` when not. */
export async function tryUpload(session: RepositorySession): Promise<void> {
  const begun = await session.request({ method: 'POST', path: 'blobs/uploads/', bodyBytesMax: answerBytesMax });
  if (begun.status !== 202) throw refusalOf(begun, 'upload');
  await cancel(session, begun);
}

/** Stores a manifest or index under a tag, or (`undefined`) under its digest alone; gives the digest. */
export async function putManifest(
  session: RepositorySession,
  tag: string | undefined,
  manifest: { mediaType: string; content: Buffer },
): Promise<string> {
  const { mediaType, content } = manifest;
  const digest = digestOf(content);
  const what = `manifest ${tag ?? digest}`;
  const answer = await session.request({
    method: 'PUT',
    path: `manifests/${tag ?? digest}`,
    headers: { 'content-type': mediaType },
    content: { bytes: content.length, read: () => once(content) },
    bodyBytesMax: answerBytesMax,
  });
  if (answer.status !== 201) throw refusalOf(answer, what);
  const stated = answer.header('docker-content-digest');
  if (stated === undefined || !isDigest(stated) || stated === digest || !stated.startsWith('sha256:')) return digest;
  throw new RegistryFailure('UnexpectedAnswer', `${what}: expected ${digest}, the registry stored ${stated}`);
}

export async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

async function uploadPieces(
  session: RepositorySession,
  upload: { digest: string; read: () => AsyncIterable<Uint8Array>; begun: HttpAnswer; pieceBytes: number },
): Promise<void> {
  const what = `upload of ${upload.digest}`;
  const pieceBytes = Math.max(upload.pieceBytes, chunkBytesDefault);
  if (pieceBytes > chunkBytesMax) {
    throw new RegistryFailure('UnexpectedAnswer', `${what}: the registry wants pieces of ${pieceBytes} bytes`);
  }
  let latest = upload.begun;
  let sent = 0;
  for await (const piece of pieces(upload.read(), pieceBytes)) {
    latest = await session.request({
      method: 'PATCH',
      path: locationOf(latest, what),
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${sent}-${sent + piece.length - 1}`,
      },
      content: { bytes: piece.length, read: () => once(piece) },
      bodyBytesMax: answerBytesMax,
    });
    if (latest.status !== 202) throw refusalOf(latest, what);
    sent += piece.length;
  }
  const done = await finish(session, latest, upload.digest);
  if (done.status !== 201) throw refusalOf(done, what);
}

/** The pieces but the last are as large as asked for. */
async function* pieces(content: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

function finish(
  session: RepositorySession,
  upload: HttpAnswer,
  digest: string,
  content?: HttpContent,
): Promise<HttpAnswer> {
  const path = locationOf(upload, `upload of ${digest}`);
  // The location may have a query of its own (the upload's state), which has to come back.
  path.searchParams.set('digest', digest);
  return session.request({
    method: 'PUT',
    path,
    headers: { 'content-type': 'application/octet-stream' },
    content: content ?? { bytes: 0, read: () => once(Buffer.alloc(0)) },
    bodyBytesMax: answerBytesMax,
  });
}

async function cancel(session: RepositorySession, upload: HttpAnswer): Promise<void> {
  const path = locationOf(upload, 'upload');
  // Registries that do not know DELETE forget the upload by themselves.
  await session.request({ method: 'DELETE', path, bodyBytesMax: answerBytesMax });
}

function locationOf(answer: HttpAnswer, what: string): URL {
  const location = answer.header('location');
  const url = location === undefined ? null : URL.parse(location, answer.url);
  if (url !== null && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new RegistryFailure('UnexpectedAnswer', `${what}: expected a location to go on at`);
}
