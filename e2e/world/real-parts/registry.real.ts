import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../shared/core/clock.ts';
import { type Existence, RegistryClient } from '../../../shared/registry/client.ts';
import { parseReference, type Reference } from '../../../shared/registry/reference.ts';
import type { Credential, RegistryTls } from '../../../shared/registry/session.ts';
import { programsOrSkip } from '../debian/skip-loudly.ts';
import { buildImage, imageIndex, type OciImage, worldPlatform } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { startTap } from './between.ts';
import { startBlobStorage } from './blob-storage.ts';
import { startDockerRegistry } from './docker-registry.ts';
import {
  dockerRegistry,
  type RegistryAtTest,
  type RegistryWorld,
  type RegistryWorldOptions,
  standIn,
} from './registry-worlds.ts';

const verified: RegistryTls = { insecure: false, insecureSkipTLSVerify: false };
const unverified: RegistryTls = { insecure: false, insecureSkipTLSVerify: true };
const plain: RegistryTls = { insecure: true, insecureSkipTLSVerify: false };
const users = { ann: 'pass', bob: 'word' };
const ann: Credential = { username: 'ann', password: 'pass', insecureAllowed: false };
const layers = [[{ path: 'opt/a', content: 'one' }], [{ path: 'opt/b', content: randomBytes(300_000) }]];

function reference(name: string): Reference {
  const parsed = parseReference(name);
  assert.ok(parsed.kind === 'reference', name);
  return parsed.reference;
}

function reasonOf(existence: Existence): string {
  return existence.kind === 'unknown' ? existence.reason : existence.kind;
}

/** What our client must see, by the same text of the stand-in, which every other test believes, and of a real registry. */
function conformance(world: RegistryWorld): void {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  function clientFor(registry: RegistryAtTest | undefined): RegistryClient {
    const client = new RegistryClient({ clock: systemClock, ...(registry && { extraCa: registry.caPem }) });
    cleanups.push(() => client.close());
    return client;
  }

  /** A registry that holds `team/app:1`, a client that trusts it unless told otherwise, and what was asked since. */
  async function start(options: RegistryWorldOptions & { trusted?: boolean; image?: OciImage } = {}) {
    const { trusted = true, image = await buildImage({ layers }), ...rest } = options;
    const registry = await world.start(rest);
    cleanups.push(() => registry.stop());
    const client = clientFor(trusted ? registry : undefined);
    await registry.push('team/app', '1', image);
    const before = registry.requests().length;
    const target = (name: string, tls: RegistryTls = verified, credentials: readonly Credential[] = []) => ({
      reference: reference(`${registry.host}/${name}`),
      tls,
      credentials,
    });
    const ask = (tls: RegistryTls = verified, credentials: readonly Credential[] = [], name = 'team/app:1') =>
      client.exists(target(name, tls, credentials));
    return { registry, client, image, ask, target, asked: () => registry.requests().slice(before) };
  }

  it('finds an image by one HEAD, by tag and by digest', async () => {
    const { image, ask, asked } = await start();
    assert.deepEqual(await ask(), { kind: 'found', digest: image.digest });
    assert.deepEqual(await ask(verified, [], `team/app@${image.digest}`), { kind: 'found', digest: image.digest });
    assert.deepEqual(asked(), ['HEAD /v2/team/app/manifests/1 200', `HEAD /v2/team/app/manifests/${image.digest} 200`]);
  });

  for (const name of ['team/app:none', 'team/none:1', `team/app@sha256:${'0'.repeat(64)}`]) {
    it(`says that ${name} is missing`, async () => {
      const { ask } = await start();
      assert.equal((await ask(verified, [], name)).kind, 'missing');
    });
  }

  it('pulls what was pushed, layer by layer', async () => {
    const image = await buildImage({ layers, config: { Cmd: ['sleep', '1'] } });
    const { client, target } = await start({ image });
    const pulled = await client.pull(target('team/app:1'), worldPlatform);
    assert.equal(pulled?.digest, image.digest);
    assert.deepEqual(pulled?.config.Cmd, ['sleep', '1']);
    const [, ...blobs] = image.blobs;
    assert.deepEqual(
      pulled?.layers.map(({ content }) => content.toString('base64')),
      blobs.map((blob) => blob.toString('base64')),
    );
    assert.equal(await client.pull(target('team/app:none'), worldPlatform), undefined);
  });

  it('gives the digest of an index, and pulls the platform from it', async () => {
    const own = await buildImage({ layers });
    const platform = { os: 'linux', architecture: 's390x' };
    const other = await buildImage({ layers: [[{ path: 'opt/c', content: 'other' }]], platform });
    const image = imageIndex([
      { platform: worldPlatform, image: own },
      { platform, image: other },
    ]);
    const { client, target, ask } = await start({ image });
    assert.deepEqual(await ask(), { kind: 'found', digest: image.digest });
    assert.equal((await client.pull(target('team/app:1'), worldPlatform))?.layers.length, 2);
    assert.equal((await client.pull(target('team/app:1'), platform))?.layers.length, 1);
    await assert.rejects(client.pull(target('team/app:1'), { os: 'linux', architecture: 'mips' }), /no manifest/);
  });

  it('refuses a certificate of an unknown authority, unless told to skip that [71]', async () => {
    const { ask, asked } = await start({ trusted: false });
    assert.equal(reasonOf(await ask()), 'CertificateRefused');
    assert.deepEqual(asked(), []);
    assert.equal((await ask(unverified)).kind, 'found');
  });

  it('speaks plain HTTP only when told to, and TLS even then where it is answered [71]', async () => {
    const { ask } = await start({ plain: true });
    assert.equal(reasonOf(await ask()), 'RegistryUnavailable');
    assert.equal((await ask(plain)).kind, 'found');
    const encrypted = await start({ trusted: false });
    assert.equal((await encrypted.ask(plain)).kind, 'found');
  });

  for (const scheme of ['basic', 'bearer'] as const) {
    it(`logs in by ${scheme} when asked to, and tries the next login when refused [72]`, async () => {
      const { client, target, ask } = await start({ users, scheme });
      assert.equal(reasonOf(await ask()), 'AccessDenied');
      assert.equal((await ask(verified, [ann])).kind, 'found');
      const wrong = { ...ann, password: 'wrong' };
      assert.equal(reasonOf(await ask(verified, [wrong])), 'AccessDenied');
      assert.equal((await ask(verified, [wrong, ann])).kind, 'found');
      assert.equal((await ask(verified, [ann], 'team/none:1')).kind, 'missing');
      assert.equal((await client.pull(target('team/app:1', verified, [ann]), worldPlatform))?.layers.length, 2);
    });
  }

  it('sends no login in plain HTTP unless its Secret allows that [71]', async () => {
    const { registry, client } = await start({ users, plain: true });
    const tap = await startTap(registry.host);
    cleanups.push(() => tap.stop());
    const name = reference(`${tap.host}/team/app:1`);
    const kept = await client.exists({ reference: name, tls: plain, credentials: [ann] });
    assert.match(kept.kind === 'unknown' ? kept.message : '', /kept back/);
    assert.match(tap.said(), /HEAD \/v2\/team\/app\/manifests\/1/);
    assert.doesNotMatch(tap.said(), /authorization/i);
    const allowed = [{ ...ann, insecureAllowed: true }];
    assert.equal((await client.exists({ reference: name, tls: plain, credentials: allowed })).kind, 'found');
    assert.match(tap.said(), /authorization: Basic/i);
  });

  it('sees the registry that does not answer any more as unknown, never as missing', async () => {
    const { registry, ask } = await start();
    await registry.stop();
    assert.equal(reasonOf(await ask()), 'RegistryUnavailable');
  });
}

describe('the registry client with the stand-in', () => {
  conformance(standIn);
});

describe('the registry client with docker-registry', () => {
  let program = '';
  before(async function () {
    program = (await programsOrSkip(this, ['docker-registry'])).pathOf('docker-registry');
  });
  conformance(dockerRegistry(() => program));

  it('follows its redirects to where the blobs are, without the login', async () => {
    const image = await buildImage({ layers });
    const storage = await startBlobStorage(() => registry.storage);
    const registry = await startDockerRegistry({ program, users, redirectTo: storage.url });
    const client = new RegistryClient({ clock: systemClock, extraCa: `${registry.caPem}\n${storage.caPem}` });
    try {
      const login = { user: 'ann', password: 'pass' };
      const { name } = await pushImage(registry, { repository: 'team/app', tag: '1', login }, image);
      const target = { reference: reference(name), tls: verified, credentials: [ann] };
      assert.equal((await client.pull(target, worldPlatform))?.layers.length, 2);
      // The configuration and two layers.
      assert.deepEqual(storage.requests, [{ authorized: false }, { authorized: false }, { authorized: false }]);
    } finally {
      await client.close();
      await Promise.all([registry.stop(), storage.stop()]);
    }
  });
});
