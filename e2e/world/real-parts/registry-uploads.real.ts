import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../shared/core/clock.ts';
import { hasBlob, readBlob } from '../../../shared/registry/blob.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import { digestOf } from '../../../shared/registry/manifest.ts';
import { parseReference } from '../../../shared/registry/reference.ts';
import type { Credential, RepositorySession, SessionScope } from '../../../shared/registry/session.ts';
import { mountBlob, once, putManifest, uploadBlob } from '../../../shared/registry/upload.ts';
import { programsOrSkip } from '../debian/skip-loudly.ts';
import { buildImage } from '../registry/oci-image.ts';
import { startNarrowProxy } from './between.ts';
import { dockerRegistry, type RegistryWorld, type RegistryWorldOptions, standIn } from './registry-worlds.ts';

const users = { ann: 'pass' };
const ann: Credential = { username: 'ann', password: 'pass', insecureAllowed: true };
const push: SessionScope = { push: true };
const content = randomBytes(20 * 1024 * 1024);
const blob = { digest: digestOf(content), size: content.length };

/** What our signer does to a registry, by the same text of the stand-in and of a real one. */
function conformance(world: RegistryWorld): void {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function start(options: RegistryWorldOptions & { requestBytesMax?: number } = {}) {
    const { requestBytesMax, ...rest } = options;
    const registry = await world.start(rest);
    cleanups.push(() => registry.stop());
    const proxy = requestBytesMax === undefined ? undefined : await startNarrowProxy(registry.host, requestBytesMax);
    if (proxy !== undefined) cleanups.push(() => proxy.stop());
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    cleanups.push(() => client.close());
    const within = <T>(
      repository: string,
      scope: SessionScope,
      use: (session: RepositorySession) => Promise<T>,
    ): Promise<T> => {
      const parsed = parseReference(`${proxy?.host ?? registry.host}/${repository}:1`);
      assert.ok(parsed.kind === 'reference');
      const tls = { insecure: options.plain === true, insecureSkipTLSVerify: false };
      const credentials = options.users === undefined ? [] : [ann];
      return client.within({ reference: parsed.reference, tls, credentials }, scope, use);
    };
    return { registry, proxy, within };
  }

  async function read(session: RepositorySession): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of readBlob(session, blob)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  const access: [what: string, options: RegistryWorldOptions][] = [
    ['for everybody', {}],
    ['in plain HTTP', { plain: true }],
    ['with passwords', { users }],
    ['with tokens', { users, scheme: 'bearer' }],
  ];
  for (const [what, options] of access) {
    it(`takes a blob in one request and streams it back, ${what}`, async () => {
      const { within } = await start(options);
      await within('team/app', push, async (session) => {
        assert.equal(await hasBlob(session, blob.digest), false);
        await uploadBlob(session, blob, () => once(content));
        assert.equal(await hasBlob(session, blob.digest), true);
        assert.ok((await read(session)).equals(content));
      });
    });
  }

  it('takes a blob in pieces where one request is too large for what stands before it', async () => {
    const { within, proxy } = await start({ plain: true, requestBytesMax: 9 * 1024 * 1024 });
    await within('team/app', push, async (session) => {
      await uploadBlob(session, blob, () => inParts(content, 64 * 1024));
      assert.ok((await read(session)).equals(content));
    });
    const sent = proxy?.requests.filter((each) => each !== 'GET');
    assert.deepEqual(sent, ['POST', 'PUT too large', 'POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
  });

  it('refuses content of another digest', async () => {
    const { within } = await start();
    const wrong = { ...blob, digest: digestOf(Buffer.from('other')) };
    await assert.rejects(
      within('team/app', push, (session) => uploadBlob(session, wrong, () => once(content))),
      /400/,
    );
    assert.equal(await within('team/app', {}, (session) => hasBlob(session, wrong.digest)), false);
  });

  for (const scheme of ['basic', 'bearer'] as const) {
    it(`mounts what another repository has, and says when it does not, by ${scheme}`, async () => {
      const { registry, within } = await start({ users, scheme });
      const image = await buildImage({ layers: [[{ path: 'opt/a', content }]] });
      await registry.push('team/source', '1', image);
      const digest = digestOf(image.blobs[1] ?? Buffer.alloc(0));
      const scope = { push: true, mountFrom: ['team/source', 'team/none'] };
      const mounted = await within('team/app', scope, async (session) => {
        assert.equal(await mountBlob(session, digest, 'team/none'), false);
        return mountBlob(session, digest, 'team/source');
      });
      assert.equal(mounted, true);
      assert.equal(await within('team/app', {}, (session) => hasBlob(session, digest)), true);
    });
  }

  it('stores a manifest under a tag or its digest, and only with all that it names', async () => {
    const { within } = await start();
    const image = await buildImage({ layers: [[{ path: 'opt/a', content: 'one' }]] });
    const [manifest] = image.manifests;
    assert.ok(manifest !== undefined);
    await within('team/app', push, async (session) => {
      await assert.rejects(putManifest(session, '1', manifest), /: 40\d/);
      for (const each of image.blobs) {
        await uploadBlob(session, { digest: digestOf(each), size: each.length }, () => once(each));
      }
      assert.equal(await putManifest(session, undefined, manifest), image.digest);
      assert.equal(await putManifest(session, '1', manifest), image.digest);
    });
  });
}

async function* inParts(whole: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes);
}

describe('pushing to the stand-in', () => {
  conformance(standIn);
});

describe('pushing to docker-registry', () => {
  let program = '';
  before(async function () {
    program = (await programsOrSkip(this, ['docker-registry'])).pathOf('docker-registry');
  });
  conformance(dockerRegistry(() => program));
});
