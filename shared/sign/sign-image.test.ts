import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { failure } from '../../e2e/world/registry/routes.ts';
import { type Registry, type RegistryOptions, startRegistry } from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { type TestEntry, tarOfEntries } from '../images/testing/layers.ts';
import { RegistryClient } from '../registry/client.ts';
import { digestOf } from '../registry/manifest.ts';
import { parseReference } from '../registry/reference.ts';
import { elfModule } from '../testing/elf-module.ts';
import { makeSigningKeys } from '../testing/signing-keys.ts';
import { readSigningPair, type SigningPair } from './key-pair.ts';
import { moduleSignature, signModule } from './module-signature.ts';
import { signImage } from './sign-image.ts';
import { storedImage, storeImage } from './testing/unsigned-image.ts';

const folder = 'opt/lib/modules/6.1.0/extra';
const a = elfModule({ name: 'a' });
const b = elfModule({ name: 'b' });
const link = (name: string, linkname: string): TestEntry => ({ name, type: 'symlink', linkname });
const module = (name: string, content: Buffer = a): TestEntry => ({ name: `${folder}/${name}`, content, mode: 0o600 });

describe('signing an image', () => {
  let pair: SigningPair;
  const cleanups: (() => Promise<void>)[] = [];
  before(async () => {
    const { key, certificate } = await makeSigningKeys({ rsa: 2048 });
    const pem = Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }));
    pair = readSigningPair({ key: pem, certificate, nowMs: systemClock.now() });
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function start(options: Partial<RegistryOptions> = {}): Promise<Registry> {
    const registry = await startRegistry({ clock: systemClock, ...options });
    cleanups.push(() => registry.stop());
    return registry;
  }

  /** Signs `team/app:unsigned` of the registry as `team/app:1` unless told otherwise. */
  async function sign(
    registry: Registry,
    filesToSign: readonly string[],
    options: { to?: Registry; repository?: string; dirName?: string } = {},
  ) {
    const { to = registry, repository = 'team/app', dirName = '/opt' } = options;
    const client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    const temporary = await mkdtemp(join(tmpdir(), 'sign-image-'));
    cleanups.push(async () => {
      await client.close();
      await rm(temporary, { recursive: true });
    });
    const at = (host: string, name: string) => {
      const parsed = parseReference(`${host}/${name}`);
      assert.ok(parsed.kind === 'reference');
      // The authorities of two registries of the world have one name, and cannot be trusted together.
      const tls = { insecure: false, insecureSkipTLSVerify: host !== registry.host };
      const credentials = [{ username: 'ann', password: 'pass', insecureAllowed: false }];
      return { reference: parsed.reference, tls, credentials };
    };
    const [unsigned, signed] = [at(registry.host, 'team/app:unsigned'), at(to.host, `${repository}:1`)];
    return signImage({ client, unsigned, signed, filesToSign, dirName, pair, folder: temporary });
  }

  async function withImage(
    layers: readonly (readonly TestEntry[])[],
    options: Partial<RegistryOptions> & Partial<Parameters<typeof storeImage>[2]> = {},
  ) {
    const registry = await start(options);
    const tars = await Promise.all(layers.map((entries) => tarOfEntries(entries)));
    storeImage(registry.store, { repository: 'team/app', tag: 'unsigned' }, { tars, ...options });
    return registry;
  }

  for (const family of ['oci', 'docker'] as const) {
    it(`adds one layer to an image of ${family} and leaves all else as it was [83]`, async () => {
      const registry = await withImage([[module('a.ko')], [{ name: 'etc/x', content: 'x' }]], { family });
      const before = await storedImage(registry.store, 'team/app', 'unsigned');
      const answer = await sign(registry, ['/opt/lib/modules/6.1.0/extra/a.ko']);
      const after = await storedImage(registry.store, 'team/app', '1');
      assert.deepEqual(answer, { kind: 'signed', digest: after.digest, files: [`/${folder}/a.ko`] });
      assert.deepEqual(after.manifest.layers.slice(0, -1), before.manifest.layers);
      const added = after.manifest.layers.at(-1)!;
      assert.equal(added.mediaType, before.manifest.layers[0]?.mediaType);
      assert.equal(after.config.rootfs.diff_ids.at(-1), digestOf(gunzipSync(registry.store.blob(added.digest)!)));
      const { rootfs: _r, history, ...config } = after.config;
      const { rootfs: _b, history: historyBefore, ...configBefore } = before.config;
      assert.deepEqual(config, configBefore);
      assert.deepEqual(history?.slice(0, -1), historyBefore);
      assert.deepEqual(history?.at(-1), {
        created: '2026-01-02T03:04:05Z',
        created_by: 'kmm-hub: sign kernel modules',
      });
      const { config: _c, layers: _l, ...manifest } = after.manifest;
      const { config: _d, layers: _m, ...manifestBefore } = before.manifest;
      assert.deepEqual(manifest, manifestBefore);
      assert.deepEqual(after.manifest.config['annotations'], { of: 'config' });
      assert.deepEqual(
        after.top.map(({ header }) => [header.name, header.type, header.mode]),
        [
          ['opt/', 'directory', 0o755],
          ['opt/lib/', 'directory', 0o755],
          ['opt/lib/modules/', 'directory', 0o755],
          ['opt/lib/modules/6.1.0/', 'directory', 0o755],
          [`${folder}/`, 'directory', 0o755],
          [`${folder}/a.ko`, 'file', 0o600],
        ],
      );
      assert.ok(after.top.at(-1)?.content.equals(signModule(a, pair)));
    });
  }

  it('gives the same digest for the same image, files and key', async () => {
    const registry = await withImage([[module('a.ko'), module('b.ko', b)]]);
    const answers = [await sign(registry, ['/opt/**/*.ko']), await sign(registry, ['/opt/**/b.ko', '/opt/**/*.ko'])];
    assert.deepEqual(answers[0], answers[1]);
  });

  it('keeps owner, time and attributes of files, and mode and owner of the folders above', async () => {
    const pax = {
      'SCHILY.xattr.security.selinux': 'system_u:object_r:modules_object_t:s0',
      'SCHILY.xattr.user.x': 'ä=1',
    };
    const meta = { uid: 5, gid: 3_000_000, uname: 'u', gname: 'g', mtime: new Date(1_700_000_000_000) };
    const large = { ...pax, gid: '3000000' };
    const registry = await withImage([
      [
        { name: 'opt', type: 'directory', mode: 0o2750, ...meta, gid: 7 },
        { ...module('a.ko'), ...meta, pax: large },
      ],
    ]);
    await sign(registry, [`/${folder}/a.ko`]);
    const { top } = await storedImage(registry.store, 'team/app', '1');
    const of = (name: string) => top.find(({ header }) => header.name === name)!.header;
    const { mode, uid, gid, uname, gname, mtime } = of('opt/');
    assert.deepEqual({ mode, uid, gid, uname, gname, mtime }, { mode: 0o2750, ...meta, gid: 7 });
    const file = of(`${folder}/a.ko`);
    assert.deepEqual([file.mtime, file.uid, file.uname, file.mode], [meta.mtime, 5, 'u', 0o600]);
    assert.deepEqual({ ...(file.pax as object), path: undefined }, { ...large, path: undefined });
  });

  it('signs what is in the final file system: the upper of two, hard links once, links where they lead', async () => {
    const registry = await withImage([
      [module('a.ko', b), module('gone.ko'), link('opt/mods', 'lib/modules/6.1.0')],
      [
        { name: `${folder}/a.ko`, content: a },
        { name: `${folder}/second.ko`, type: 'link', linkname: `${folder}/a.ko` },
        link(`${folder}/third.ko`, 'second.ko'),
        { name: `${folder}/.wh.gone.ko`, content: '' },
      ],
    ]);
    const answer = await sign(registry, ['/opt/mods/extra/*.ko']);
    const paths = ['a.ko', 'second.ko'].map((name) => `/${folder}/${name}`);
    assert.deepEqual(answer.kind === 'signed' && answer.files, paths);
    const { top } = await storedImage(registry.store, 'team/app', '1');
    assert.deepEqual(
      top.slice(-2).map(({ header }) => [header.name, header.type, header.linkname]),
      [
        [`${folder}/a.ko`, 'file', null],
        [`${folder}/second.ko`, 'link', `${folder}/a.ko`],
      ],
    );
    assert.ok(top.at(-2)?.content.equals(signModule(a, pair)));
  });

  it('unpacks compressed modules, and signs anew what is signed', async () => {
    const registry = await withImage([[module('a.ko.gz', gzipSync(a)), module('b.ko', signModule(b, pair))]]);
    await sign(registry, [`/${folder}/*`]);
    const { top } = await storedImage(registry.store, 'team/app', '1');
    const contentOf = (name: string) => top.find(({ header }) => header.name.endsWith(name))!.content;
    assert.ok(gunzipSync(contentOf('a.ko.gz')).equals(signModule(a, pair)));
    assert.ok(contentOf('b.ko').equals(signModule(b, pair)));
    assert.notEqual(moduleSignature(contentOf('b.ko')), undefined);
  });

  it('mounts unchanged layers in one registry, and copies them byte for byte to another', async () => {
    const registry = await withImage([[module('a.ko')], [{ name: 'x', content: 'x'.repeat(100_000) }]]);
    const before = registry.requests.length;
    await sign(registry, [`/${folder}/a.ko`], { repository: 'other/app' });
    const asked = registry.requests.slice(before);
    assert.equal(
      asked.filter(({ method, query, status }) => method === 'POST' && query.has('mount') && status === 201).length,
      2,
    );
    assert.equal(asked.filter(({ method }) => method === 'PUT').length, 4);
    const other = await start();
    const [here, there] = [
      await sign(registry, [`/${folder}/a.ko`]),
      await sign(registry, [`/${folder}/a.ko`], { to: other }),
    ];
    assert.deepEqual(here, there);
    const image = await storedImage(other.store, 'team/app', '1');
    for (const layer of image.manifest.layers) {
      assert.ok(other.store.blob(layer.digest)?.equals(registry.store.blob(layer.digest)!));
    }
  });

  it('copies where the registry mounts nothing, with a login and by tokens', async () => {
    const registry = await withImage([[module('a.ko')]], { mounts: false, users: { ann: 'pass' }, scheme: 'bearer' });
    const answer = await sign(registry, [`/${folder}/a.ko`], { repository: 'other/app' });
    assert.equal(answer.kind, 'signed');
  });

  it('lets the tag appear last', async () => {
    const registry = await withImage([[module('a.ko')]]);
    await sign(registry, [`/${folder}/a.ko`], { repository: 'other/app' });
    const pushed = registry.requests.filter(({ method }) => method === 'PUT').map(({ path }) => path);
    assert.equal(pushed.at(-1), '/v2/other/app/manifests/1');
    assert.match(pushed.at(-2) ?? '', /manifests\/sha256:/);
  });

  describe('of several platforms', () => {
    const indexType = 'application/vnd.oci.image.index.v1+json';

    async function withIndex(images: Record<string, readonly TestEntry[]>) {
      const registry = await start();
      const at = { repository: 'team/app', tag: 'part' };
      const manifests = [];
      for (const [architecture, entries] of Object.entries(images)) {
        const tars = [await tarOfEntries(entries)];
        const entry = storeImage(registry.store, at, { tars, architecture });
        manifests.push({ ...entry, platform: { os: 'linux', architecture }, annotations: { for: architecture } });
      }
      const attestation = registry.store.putBlob(Buffer.from('{"_type":"in-toto"}'));
      const config = registry.store.putBlob(Buffer.from(`{"rootfs":{"diff_ids":["${attestation}"]}}`));
      const statement = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          digest: config,
          size: registry.store.blob(config)!.length,
        },
        layers: [{ mediaType: 'application/vnd.in-toto+json', digest: attestation, size: 19 }],
      };
      const content = Buffer.from(JSON.stringify(statement));
      const digest = registry.store.putManifest('team/app', 'part', { mediaType: statement.mediaType, content });
      manifests.push({
        mediaType: statement.mediaType,
        digest,
        size: content.length,
        platform: { os: 'unknown', architecture: 'unknown' },
      });
      const index = { schemaVersion: 2, mediaType: indexType, manifests, annotations: { kept: 'yes' } };
      registry.store.putManifest('team/app', 'unsigned', {
        mediaType: indexType,
        content: Buffer.from(JSON.stringify(index)),
      });
      return { registry, index };
    }

    it('signs each that holds the files, and keeps the others and the index’s own words', async () => {
      const { registry, index } = await withIndex({
        amd64: [module('a.ko')],
        arm64: [module('a.ko', b)],
        s390x: [{ name: 'x', content: 'no modules' }],
      });
      const other = await start();
      const answer = await sign(registry, [`/${folder}/*.ko`], { to: other });
      const stored = other.store.manifest('team/app', '1')!;
      assert.equal(answer.kind === 'signed' && answer.digest, stored.digest);
      const signed = JSON.parse(stored.content.toString()) as typeof index;
      const { manifests, ...rest } = signed;
      const { manifests: before, ...restBefore } = index;
      assert.deepEqual(rest, restBefore);
      assert.deepEqual(
        manifests.map(({ digest, size, ...kept }) => [
          kept,
          digest === before.find((each) => each.digest === digest)?.digest,
        ]),
        before.map(({ digest: _digest, size: _size, ...kept }, at) => [kept, at >= 2]),
      );
      for (const [at, content] of [a, b].entries()) {
        const { top } = await storedImage(other.store, 'team/app', manifests[at]!.digest);
        assert.ok(top.at(-1)?.content.equals(signModule(content, pair)));
      }
    });

    it('signs none by halves', async () => {
      const { registry } = await withIndex({ amd64: [module('a.ko'), module('b.ko', b)], arm64: [module('a.ko')] });
      const before = registry.requests.length;
      await assert.rejects(sign(registry, [`/${folder}/a.ko`, `/${folder}/b.ko`]), /found none for ".*b\.ko"/);
      assert.ok(registry.requests.slice(before).every(({ method }) => method === 'GET'));
    });
  });

  const refusals: [what: string, entries: readonly TestEntry[], files: readonly string[], reason: string][] = [
    ['a pattern that matches nothing', [module('a.ko')], [`/${folder}/a.ko`, '/opt/*.ko'], 'NothingMatches'],
    ['no patterns', [module('a.ko')], [], 'NoFilesToSign'],
    ['what is no pattern', [module('a.ko')], ['/opt/[z-a]'], 'BadPattern'],
    [
      'a file outside dirName',
      [module('a.ko'), { name: 'lib/b.ko', content: b }],
      ['/opt/**/a.ko', '/lib/b.ko'],
      'OutsideDirName',
    ],
    ['a file beside dirName', [module('a.ko'), { name: 'opt2/b.ko', content: b }], ['/opt2/b.ko'], 'OutsideDirName'],
    [
      'a link out of dirName',
      [{ name: 'lib/b.ko', content: b }, link('opt/b.ko', '/lib/b.ko')],
      ['/opt/b.ko'],
      'OutsideDirName',
    ],
    ['a link to the host', [link('opt/b.ko', '/proc/modules')], ['/opt/b.ko'], 'NothingMatches'],
    ['a file that is no module', [module('a.ko', Buffer.from('#!/bin/sh'))], ['/opt/**/a.ko'], 'NotElf'],
    ['a program', [module('a.ko', elfModule({ type: 2 }))], ['/opt/**/a.ko'], 'NotRelocatable'],
    ['one good and one bad module', [module('a.ko'), module('z.ko', Buffer.alloc(10))], ['/opt/**/*.ko'], 'NotElf'],
    ['a broken layer', [{ name: '../x', content: '' }], ['/opt/**/a.ko'], 'PathOutsideRoot'],
  ];
  for (const [what, entries, files, reason] of refusals) {
    it(`refuses ${what} before anything is pushed: ${reason}`, async () => {
      const registry = await withImage([entries]);
      const before = registry.requests.length;
      await assert.rejects(sign(registry, files), (error: Error & { reason?: string }) => {
        assert.equal(error.reason, reason, error.message);
        return true;
      });
      assert.ok(registry.requests.slice(before).every(({ method }) => method === 'GET'));
    });
  }

  it('names the file that it refuses', async () => {
    const registry = await withImage([[module('a.ko'), module('bad.ko', Buffer.from('text'))]]);
    await assert.rejects(
      sign(registry, ['/opt/**/*.ko']),
      new RegExp(`^SigningRefused: /${folder}/bad.ko: expected a kernel module`),
    );
  });

  it('says that the image is missing, and fails with the registry’s failure when it cannot be pushed', async () => {
    const empty = await start();
    assert.deepEqual(await sign(empty, ['/opt/*']), { kind: 'missing' });
    const registry = await withImage([[module('a.ko')]]);
    registry.fault = ({ method }) => (method === 'POST' ? { reply: failure(403, 'DENIED') } : undefined);
    await assert.rejects(sign(registry, [`/${folder}/a.ko`]), (error: Error & { reason?: string }) => {
      assert.equal(error.reason, 'AccessDenied');
      return true;
    });
    assert.equal(registry.store.manifest('team/app', '1'), undefined);
  });
});
