import { randomUUID } from 'node:crypto';
import { type RegistryStore, sha256Digest } from './store.ts';

/** One request as the routes see it: after access, before faults. */
export interface RegistryCall {
  method: string;
  path: string;
  query: URLSearchParams;
  contentType: string;
  body: Buffer;
  /** `Content-Range` of a piece. */
  range: string | undefined;
  rules: UploadRules;
}

/** In what registries differ when blobs come. */
export interface UploadRules {
  /** False: nothing is taken over from other repositories. */
  mounts?: boolean;
  /** Blobs come in pieces of at least so many bytes, and it is said when an upload begins. */
  pieceBytesMin?: number;
  /** A proxy before the registry takes no larger request. */
  requestBytesMax?: number;
}

export interface RegistryReply {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** The distribution API as far as pull, push, tags and deletion need it (opencontainers/distribution-spec 1.1). */
export function route(store: RegistryStore, call: RegistryCall): RegistryReply {
  if (call.body.length > (call.rules.requestBytesMax ?? Number.POSITIVE_INFINITY)) return { status: 413 };
  if (/^\/v2\/?$/.test(call.path)) return { status: 200, body: '{}' };
  const match = /^\/v2\/(.+?)\/(?:(tags)\/list|(manifests)\/([^/]+)|blobs\/(uploads)\/?([^/]*)|(blobs)\/([^/]+))$/.exec(
    call.path,
  );
  if (match === null) return failure(404, 'UNSUPPORTED');
  const [, repository = '', tags, manifests, reference = '', uploads, upload = '', , digest = ''] = match;
  if (tags) return listTags(store, repository);
  if (manifests) return manifest(store, call, { repository, reference });
  if (uploads) return uploading(store, call, { repository, id: upload });
  return readBlob(store, call, { repository, digest });
}

export function failure(status: number, code: string): RegistryReply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }),
  };
}

function listTags(store: RegistryStore, repository: string): RegistryReply {
  const tags = store.tags(repository);
  if (tags === undefined) return failure(404, 'NAME_UNKNOWN');
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: repository, tags }),
  };
}

function manifest(
  store: RegistryStore,
  call: RegistryCall,
  at: { repository: string; reference: string },
): RegistryReply {
  const { repository, reference } = at;
  if (call.method === 'PUT') return putManifest(store, call, at);
  if (call.method === 'DELETE') {
    return store.deleteManifest(repository, reference) ? { status: 202 } : failure(404, 'MANIFEST_UNKNOWN');
  }
  const found = store.manifest(repository, reference);
  if (found === undefined) return failure(404, store.hasRepository(repository) ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN');
  const headers = { 'content-type': found.mediaType, 'docker-content-digest': found.digest };
  return { status: 200, headers, body: found.content };
}

function putManifest(
  store: RegistryStore,
  call: RegistryCall,
  at: { repository: string; reference: string },
): RegistryReply {
  const digest = sha256Digest(call.body);
  if (at.reference.includes(':') && at.reference !== digest) return failure(400, 'DIGEST_INVALID');
  const content = parsed(call.body);
  if (content === undefined) return failure(400, 'MANIFEST_INVALID');
  const blobs = [...(content.config ? [content.config] : []), ...(content.layers ?? [])];
  const present =
    blobs.every((blob) => store.blobIn(at.repository, blob.digest) !== undefined) &&
    (content.manifests ?? []).every((child) => store.manifest(at.repository, child.digest) !== undefined);
  if (!present) return failure(400, 'MANIFEST_BLOB_UNKNOWN');
  store.putManifest(at.repository, at.reference, { mediaType: call.contentType, content: call.body });
  const headers = { location: `/v2/${at.repository}/manifests/${digest}`, 'docker-content-digest': digest };
  return { status: 201, headers };
}

function readBlob(
  store: RegistryStore,
  call: RegistryCall,
  { repository, digest }: { repository: string; digest: string },
): RegistryReply {
  if (call.method !== 'GET' && call.method !== 'HEAD') return failure(405, 'UNSUPPORTED');
  const content = store.blobIn(repository, digest);
  if (content === undefined) return failure(404, 'BLOB_UNKNOWN');
  const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest };
  return { status: 200, headers, body: content };
}

/** POST begins (or, with a digest, does it all), PATCH appends, PUT with a digest ends, DELETE gives up. */
function uploading(store: RegistryStore, call: RegistryCall, at: { repository: string; id: string }): RegistryReply {
  const { mounts = true, pieceBytesMin } = call.rules;
  const mount = call.method === 'POST' && mounts ? call.query.get('mount') : null;
  // As the distribution's registry: from a repository that has it; what cannot be mounted begins an upload.
  const from = call.query.get('from') ?? '';
  if (mount !== null && store.hasRepository(from) && store.blobIn(from, mount) !== undefined) {
    store.own(at.repository, mount);
    const location = `/v2/${at.repository}/blobs/${mount}`;
    return { status: 201, headers: { location, 'docker-content-digest': mount } };
  }
  const id = call.method === 'POST' ? randomUUID() : at.id;
  if (call.method === 'POST') store.beginUpload(id);
  if (call.method === 'DELETE') return store.endUpload(id) ? { status: 204 } : failure(404, 'BLOB_UPLOAD_UNKNOWN');
  const bytes = store.appendUpload(id, call.body);
  if (bytes === undefined) return failure(404, 'BLOB_UPLOAD_UNKNOWN');
  if (pieceBytesMin !== undefined && call.method === 'PUT' && call.body.length > 0) return failure(400, 'SIZE_INVALID');
  const range = /^(\d+)-/.exec(call.range ?? '')?.[1];
  if (range !== undefined && Number(range) !== bytes - call.body.length) return failure(416, 'BLOB_UPLOAD_INVALID');
  const digest = call.query.get('digest');
  if (call.method === 'PUT' || (call.method === 'POST' && digest !== null)) {
    const content = store.endUpload(id) ?? Buffer.alloc(0);
    if (sha256Digest(content) !== digest) return failure(400, 'DIGEST_INVALID');
    store.putBlob(content, at.repository);
    return {
      status: 201,
      headers: { location: `/v2/${at.repository}/blobs/${digest}`, 'docker-content-digest': digest },
    };
  }
  const location = `/v2/${at.repository}/blobs/uploads/${id}`;
  const wish = pieceBytesMin !== undefined && { 'oci-chunk-min-length': String(pieceBytesMin) };
  return { status: 202, headers: { location, range: `0-${Math.max(0, bytes - 1)}`, ...wish } };
}

interface ManifestContent {
  config?: { digest: string };
  layers?: { digest: string }[];
  manifests?: { digest: string }[];
}

function parsed(body: Buffer): ManifestContent | undefined {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
