import assert from 'node:assert/strict';
import { failure } from '../../e2e/world/registry/routes.ts';
import { type RegistryOptions, startRegistry } from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { hasBlob, readBlob, readSmallBlob } from './blob.ts';
import { RegistryClient } from './client.ts';
import { RegistryFailure } from './failure.ts';
import { digestOf } from './manifest.ts';
import { parseReference } from './reference.ts';
import type { Credential, RepositorySession, SessionScope } from './session.ts';
import { mountBlob, once, putManifest, uploadBlob } from './upload.ts';

const mebibyte = 1024 * 1024;
const ann: Credential = { username: 'ann', password: 'pass', insecureAllowed: false };
const push: SessionScope = { push: true };

function blobOf(content: Buffer) {
  return { digest: digestOf(content), size: content.length };
}

describe('a repository', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function world(options: Partial<RegistryOptions> & { timeoutMs?: number; skipVerify?: boolean } = {}) {
    const { timeoutMs = 10_000, skipVerify = false, ...rest } = options;
    const registry = await startRegistry({ clock: systemClock, ...rest });
    cleanups.push(() => registry.stop());
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem, timeoutMs });
    cleanups.push(() => client.close());
    const within = <T>(
      scope: SessionScope,
      use: (session: RepositorySession) => Promise<T>,
      credentials: readonly Credential[] = [],
    ) => {
      const parsed = parseReference(`${registry.host}/team/app:1`);
      assert.ok(parsed.kind === 'reference');
      const tls = { insecure: false, insecureSkipTLSVerify: skipVerify };
      return client.within({ reference: parsed.reference, tls, credentials }, scope, use);
    };
    const asked = () => registry.requests.map(({ method, status }) => `${method} ${status}`);
    return { registry, within, asked };
  }

  async function* halves(content: Buffer): AsyncGenerator<Buffer> {
    yield content.subarray(0, content.length / 2);
    yield content.subarray(content.length / 2);
  }

  const content = Buffer.alloc(20 * mebibyte, 'kernel module');

  it('takes a blob in one request, and streams it back', async () => {
    const { registry, within, asked } = await world();
    const blob = blobOf(content);
    await within(push, async (session) => {
      assert.equal(await hasBlob(session, blob.digest), false);
      await uploadBlob(session, blob, () => halves(content));
      assert.equal(await hasBlob(session, blob.digest), true);
      const chunks: Buffer[] = [];
      for await (const chunk of readBlob(session, blob)) chunks.push(chunk);
      assert.ok(chunks.length > 10 && Buffer.concat(chunks).equals(content));
    });
    assert.ok(registry.store.blob(blob.digest)?.equals(content));
    assert.deepEqual(asked(), ['HEAD 404', 'POST 202', 'PUT 201', 'HEAD 200', 'GET 200']);
  });

  it('takes a blob of no bytes', async () => {
    const { registry, within } = await world();
    const empty = blobOf(Buffer.alloc(0));
    await within(push, (session) => uploadBlob(session, empty, () => once(Buffer.alloc(0))));
    assert.equal(registry.store.blob(empty.digest)?.length, 0);
  });

  it('takes a blob in pieces where the registry says so', async () => {
    const { registry, within, asked } = await world({ pieceBytesMin: 9 * mebibyte });
    await within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)));
    assert.ok(registry.store.blob(digestOf(content))?.equals(content));
    assert.deepEqual(asked(), ['POST 202', 'PATCH 202', 'PATCH 202', 'PUT 201']);
  });

  it('takes a blob in pieces where one request is too large for something in between', async () => {
    const { registry, within } = await world({ requestBytesMax: 11 * mebibyte });
    await within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)));
    assert.ok(registry.store.blob(digestOf(content))?.equals(content));
  });

  it('refuses pieces of a size that would cost us our memory', async () => {
    const { within } = await world({ pieceBytesMin: 1024 * mebibyte });
    const upload = within(push, (session) => uploadBlob(session, blobOf(content), () => once(content)));
    await assert.rejects(upload, /the registry wants pieces of 1073741824 bytes/);
  });

  it('refuses content of another digest', async () => {
    const { registry, within } = await world();
    const blob = { digest: digestOf(Buffer.from('other')), size: content.length };
    await assert.rejects(
      within(push, (session) => uploadBlob(session, blob, () => once(content))),
      RegistryFailure,
    );
    assert.equal(registry.store.blob(blob.digest), undefined);
  });

  it('mounts what another repository has, and says when it does not', async () => {
    const { registry, within, asked } = await world();
    const digest = registry.store.putBlob(content);
    registry.store.putManifest('team/source', '1', { mediaType: 'x', content: Buffer.from('{}') });
    const scope = { push: true, mountFrom: ['team/source'] };
    assert.equal(await within(scope, (session) => mountBlob(session, digest, 'team/source')), true);
    assert.equal(await within(scope, (session) => mountBlob(session, digest, 'team/none')), false);
    assert.deepEqual(asked(), ['POST 201', 'POST 202', 'DELETE 204']);
  });

  it('stores manifests under a tag or their digest, and is held to the digest', async () => {
    const { registry, within } = await world();
    const manifest = { mediaType: 'application/vnd.oci.image.index.v1+json', content: Buffer.from('{"manifests":[]}') };
    const digest = digestOf(manifest.content);
    assert.equal(await within(push, (session) => putManifest(session, '1', manifest)), digest);
    assert.deepEqual(registry.store.manifest('team/app', '1'), { ...manifest, digest });
    assert.equal(await within(push, (session) => putManifest(session, undefined, manifest)), digest);
    const other = { 'docker-content-digest': digestOf(Buffer.from('other')) };
    registry.fault = () => ({ reply: { status: 201, headers: other } });
    await assert.rejects(
      within(push, (session) => putManifest(session, '1', manifest)),
      /the registry stored/,
    );
  });

  it('asks for a token that may push here and pull there, and for no more to read', async () => {
    const { registry, within } = await world({ users: { ann: 'pass' }, scheme: 'bearer' });
    const scope = { push: true, mountFrom: ['team/source'] };
    await within(scope, (session) => uploadBlob(session, blobOf(content), () => halves(content)), [ann]);
    await within({}, (session) => hasBlob(session, digestOf(content)), [ann]);
    const tokens = registry.requests.filter(({ path }) => path === '/token');
    assert.deepEqual(
      tokens.map(({ query }) => query.getAll('scope')),
      [['repository:team/app:pull,push', 'repository:team/source:pull'], ['repository:team/app:pull']],
    );
  });

  it('takes a new token when the old one ends while blobs are sent, and sends the blob again', async () => {
    const { registry, within } = await world({ users: { ann: 'pass' }, scheme: 'bearer' });
    let expired = false;
    registry.fault = ({ method }) => {
      if (method !== 'PUT' || expired) return undefined;
      expired = true;
      const refusal = failure(401, 'UNAUTHORIZED');
      const challenge = `Bearer realm="${registry.url}/token",service="registry"`;
      return { reply: { ...refusal, headers: { 'www-authenticate': challenge } } };
    };
    await within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)), [ann]);
    assert.ok(registry.store.blob(digestOf(content))?.equals(content));
  });

  it('tries the next login when one may not push', async () => {
    const { within } = await world({ users: { ann: 'pass' } });
    const wrong = { ...ann, password: 'wrong' };
    const upload = (credentials: readonly Credential[]) =>
      within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)), credentials);
    await assert.rejects(upload([wrong]), /401/);
    await upload([wrong, ann]);
  });

  it('sends no login to another origin that an upload is to go on at, and nothing out of TLS', async () => {
    const other = await startRegistry({ clock: systemClock });
    cleanups.push(() => other.stop());
    const { registry, within } = await world({ users: { ann: 'pass' }, skipVerify: true });
    const allowed = [{ ...ann, insecureAllowed: true }];
    const send = () => within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)), allowed);
    const goOnAt = (location: string) => {
      registry.fault = ({ method }) =>
        method === 'POST' && registry.requests.length > 0
          ? { reply: { status: 202, headers: { location } } }
          : undefined;
    };
    goOnAt(`${other.url}/v2/team/app/blobs/uploads/x`);
    await assert.rejects(send(), /404/);
    assert.equal(registry.requests.at(-1)?.authorized, true);
    assert.deepEqual(
      other.requests.map(({ method, authorized }) => [method, authorized]),
      [['PUT', false]],
    );
    const verified = await world({ users: { ann: 'pass' } });
    verified.registry.fault = ({ method }) =>
      method === 'POST' ? { reply: { status: 202, headers: { location: 'http://localhost:1/' } } } : undefined;
    await assert.rejects(
      verified.within(push, (session) => uploadBlob(session, blobOf(content), () => halves(content)), [ann]),
      /expected to go on at https/,
    );
  });

  const lies: [what: string, body: Buffer, message: RegExp][] = [
    ['other bytes', Buffer.alloc(100, 'y'), /expected 100 bytes, got 100 of sha256/],
    ['fewer bytes', Buffer.alloc(99, 'x'), /expected 100 bytes, got 99/],
    ['more bytes', Buffer.alloc(101, 'x'), /expected at most 100 bytes, got more/],
  ];
  for (const [what, body, message] of lies) {
    it(`that answers ${what} than the digest stands for is not believed`, async () => {
      const { registry, within } = await world();
      registry.fault = () => ({ reply: { status: 200, body } });
      const blob = blobOf(Buffer.alloc(100, 'x'));
      await assert.rejects(
        within({}, (session) => readSmallBlob(session, blob, 1000)),
        message,
      );
      await assert.rejects(
        within({}, (session) => readSmallBlob(session, blob, 99)),
        /expected at most 99 bytes, got 100/,
      );
    });
  }

  it('may be read as slowly as the reader likes, and waits for no silent registry', async () => {
    const { registry, within } = await world({ timeoutMs: 1_500 });
    const digest = registry.store.putBlob(content);
    await within({}, async (session) => {
      let chunks = 0;
      for await (const _chunk of readBlob(session, { digest, size: content.length })) {
        chunks += 1;
        if (chunks === 2) await new Promise((resolve) => setTimeout(resolve, 3_000));
      }
    });
    registry.fault = () => ({ delayMs: 60_000 });
    await assert.rejects(
      within({}, (session) => readSmallBlob(session, blobOf(content), content.length)),
      /no answer within 1.5 s/,
    );
  });

  it('that is read in part keeps nobody waiting', async () => {
    const { registry, within } = await world();
    const digest = registry.store.putBlob(content);
    await within({}, async (session) => {
      for await (const _chunk of readBlob(session, { digest, size: content.length })) break;
      assert.equal(await hasBlob(session, digest), true);
    });
  });
});
