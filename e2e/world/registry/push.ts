import { Agent } from 'undici';
import type { OciImage } from './oci-image.ts';
import type { Registry } from './server.ts';
import { sha256Digest } from './store.ts';

export interface PushTarget extends Pick<Registry, 'host' | 'url'> {
  readonly caPem?: string;
  /** Any certificate will do. */
  readonly insecure?: boolean;
}

/**
 * Pushes an image over HTTP as a build does: blobs by upload sessions, then manifests, the top-level one under `tag`.
 * Gives the name to use in a Module. Where the registry has users, `login` is for the basic scheme, `authorization` for any.
 */
export async function pushImage(
  registry: PushTarget,
  at: { repository: string; tag: string; login?: { user: string; password: string }; authorization?: string },
  image: OciImage,
): Promise<{ name: string; pinned: string }> {
  const { caPem: ca, insecure = false } = registry;
  const agent = new Agent({ connect: { ...(ca !== undefined && { ca }), rejectUnauthorized: !insecure } });
  const { login } = at;
  const basic = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  const authorization = at.authorization ?? basic;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const send = async (method: 'POST' | 'PATCH' | 'PUT', path: string, content?: Buffer, contentType?: string) => {
    const answer = await agent.request({
      origin: registry.url,
      path,
      method,
      headers: { ...headers, ...(contentType && { 'content-type': contentType }) },
      body: content ?? null,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return pathOf(String(answer.headers['location'] ?? ''), registry.url);
  };
  try {
    for (const blob of image.blobs) {
      const upload = await send('POST', `/v2/${at.repository}/blobs/uploads/`);
      const next = await send('PATCH', upload, blob, 'application/octet-stream');
      await send('PUT', withDigest(next, sha256Digest(blob)));
    }
    for (const [index, { mediaType, content }] of image.manifests.entries()) {
      const reference = index === image.manifests.length - 1 ? at.tag : sha256Digest(content);
      await send('PUT', `/v2/${at.repository}/manifests/${reference}`, content, mediaType);
    }
  } finally {
    await agent.close();
  }
  const repository = `${registry.host}/${at.repository}`;
  return { name: `${repository}:${at.tag}`, pinned: `${repository}@${image.digest}` };
}

/** A registry may name the next step by its whole URL, and give it a query of its own. */
function pathOf(location: string, url: string): string {
  const { pathname, search } = new URL(location, url);
  return `${pathname}${search}`;
}

function withDigest(path: string, digest: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}digest=${digest}`;
}
