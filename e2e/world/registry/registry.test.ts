import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { Agent } from 'undici';
import { systemClock } from '../../../shared/core/clock.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import { parseReference, type Reference } from '../../../shared/registry/reference.ts';
import { koFile, vermagicOf } from '../kernel/ko.ts';
import { buildModuleImage } from './module-image.ts';
import { buildImage, imageIndex, type OciImage, worldPlatform } from './oci-image.ts';
import { buildPluginImage } from './plugin-image.ts';
import { pushImage } from './push.ts';
import { type Registry, startRegistry } from './server.ts';
import { buildToolsImage } from './tools-image.ts';

const tls = { insecure: false, insecureSkipTLSVerify: false };
const kernel = '6.1.0-13.el9';

function reference(name: string): Reference {
  const parsed = parseReference(name);
  assert.ok(parsed.kind === 'reference');
  return parsed.reference;
}

/** Paths of a layer with their content, or where they link to. */
async function contents(layers: readonly { content: Buffer }[]): Promise<Map<string, { text: string; mode: number }>> {
  const found = new Map<string, { text: string; mode: number }>();
  for (const { content } of layers) {
    const archive = extract();
    archive.end(gunzipSync(content));
    for await (const entry of archive) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const text =
        entry.header.type === 'symlink' ? `→ ${entry.header.linkname}` : Buffer.concat(chunks).toString('latin1');
      found.set(entry.header.name, { text, mode: entry.header.mode ?? 0 });
    }
  }
  return found;
}

describe('the world’s registry', () => {
  let registry: Registry;
  let client: RegistryClient;
  let agent: Agent;

  beforeEach(async () => {
    registry = await startRegistry({ clock: systemClock });
    client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
    agent = new Agent({ connect: { ca: registry.caPem } });
  });
  afterEach(async () => {
    await Promise.all([client.close(), agent.close()]);
    await registry.stop();
  });

  async function call(method: 'GET' | 'DELETE' | 'PUT' | 'POST', path: string, body?: string) {
    const answer = await agent.request({ origin: registry.url, path, method, body: body ?? null });
    return { status: answer.statusCode, text: await answer.body.text() };
  }

  it('takes images by upload sessions and gives them back byte for byte', async () => {
    const image = await buildImage({
      layers: [[{ path: '/a', content: 'A' }], [{ path: '/b/c', content: 'C', mode: 0o755 }]],
    });
    const { name } = await pushImage(registry, { repository: 'team/app', tag: '1' }, image);
    const pulled = await client.pull({ reference: reference(name), tls }, worldPlatform);
    assert.equal(pulled?.digest, image.digest);
    assert.deepEqual(
      pulled?.layers.map(({ content }) => content),
      image.blobs.slice(1),
    );
    assert.deepEqual(
      await contents(pulled?.layers ?? []),
      new Map([
        ['a', { text: 'A', mode: 0o644 }],
        ['b/c', { text: 'C', mode: 0o755 }],
      ]),
    );
  });

  it('gives of an index the image of the platform, under the digest of the index', async () => {
    const image = (architecture: string) =>
      buildImage({ layers: [[{ path: '/arch', content: architecture }]], platform: { os: 'linux', architecture } });
    const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
    const parts = await Promise.all(
      platforms.map(async (platform) => ({ platform, image: await image(platform.architecture) })),
    );
    const index: OciImage = imageIndex(parts);
    const { name } = await pushImage(registry, { repository: 'team/app', tag: '1' }, index);
    const pulled = await client.pull({ reference: reference(name), tls }, { os: 'linux', architecture: 'arm64' });
    assert.equal(pulled?.digest, index.digest);
    assert.equal((await contents(pulled?.layers ?? [])).get('arch')?.text, 'arm64');
    await assert.rejects(
      client.pull({ reference: reference(name), tls }, { os: 'linux', architecture: 's390x' }),
      /s390x/,
    );
  });

  it('lists and moves tags, and forgets what is deleted', async () => {
    const [one, two] = await Promise.all(['1', '2'].map((comment) => buildPluginImage({ comment })));
    await pushImage(registry, { repository: 'p', tag: 'a' }, one!);
    await pushImage(registry, { repository: 'p', tag: 'b' }, one!);
    await pushImage(registry, { repository: 'p', tag: 'b' }, two!);
    assert.deepEqual(JSON.parse((await call('GET', '/v2/p/tags/list')).text), { name: 'p', tags: ['a', 'b'] });
    assert.equal((await call('GET', `/v2/p/manifests/${one!.digest}`)).status, 200);
    assert.equal((await call('DELETE', '/v2/p/manifests/a')).status, 202);
    assert.match((await call('GET', '/v2/p/manifests/a')).text, /MANIFEST_UNKNOWN/);
    assert.equal((await call('DELETE', `/v2/p/manifests/${two!.digest}`)).status, 202);
    assert.match((await call('GET', '/v2/p/manifests/b')).text, /MANIFEST_UNKNOWN/);
    assert.match((await call('GET', '/v2/q/manifests/a')).text, /NAME_UNKNOWN/);
  });

  it('refuses what does not fit its digest or names what is not there', async () => {
    const orphan = JSON.stringify({ config: { digest: `sha256:${'0'.repeat(64)}` }, layers: [] });
    assert.match((await call('PUT', '/v2/p/manifests/a', orphan)).text, /MANIFEST_BLOB_UNKNOWN/);
    assert.match((await call('PUT', '/v2/p/manifests/a', '{')).text, /MANIFEST_INVALID/);
    assert.match(
      (await call('POST', `/v2/p/blobs/uploads/?digest=sha256:${'0'.repeat(64)}`, 'x')).text,
      /DIGEST_INVALID/,
    );
    assert.match((await call('PUT', '/v2/p/blobs/uploads/none', 'x')).text, /BLOB_UPLOAD_UNKNOWN/);
  });

  it('wants a name and password where it has users, and records who came', async () => {
    const guarded = await startRegistry({ clock: systemClock, users: { ann: 'pass' } });
    const own = new RegistryClient({ clock: systemClock, extraCa: guarded.caPem });
    try {
      const image = await buildPluginImage();
      await assert.rejects(pushImage(guarded, { repository: 'p', tag: '1' }, image), /401/);
      const login = { user: 'ann', password: 'pass' };
      const { name } = await pushImage(guarded, { repository: 'p', tag: '1', login }, image);
      assert.equal((await own.exists({ reference: reference(name), tls })).kind, 'unknown');
      const credentials = [{ username: 'ann', password: 'pass', insecureAllowed: false }];
      const found = await own.exists({ reference: reference(name), tls, credentials });
      assert.deepEqual(found, { kind: 'found', digest: image.digest });
      assert.equal(guarded.requests.at(-1)?.user, 'ann');
    } finally {
      await own.close();
      await guarded.stop();
    }
  });
});

describe('the world’s images', () => {
  const driver = koFile({ name: 'driver', vermagic: vermagicOf(kernel), depends: ['bus', 'crc'] });
  const bus = koFile({ name: 'bus', vermagic: vermagicOf(kernel) });
  const crc = koFile({ name: 'crc', vermagic: vermagicOf(kernel) });

  async function filesOf(image: OciImage): Promise<Map<string, { text: string; mode: number }>> {
    return contents(image.blobs.slice(1).map((content) => ({ content })));
  }

  it('of modules hold the files, their dependencies, modprobe and sleep, and no shell', async () => {
    const image = await buildModuleImage({
      kernels: { [kernel]: { 'driver.ko': driver, 'bus.ko': bus } },
      hostModules: { 'lib/crc.ko': crc },
      firmware: { 'acme/fw.bin': 'firmware' },
    });
    const files = await filesOf(image);
    const folder = `opt/lib/modules/${kernel}`;
    assert.deepEqual([...files.keys()].sort(), [
      'firmware/acme/fw.bin',
      `${folder}/extra/bus.ko`,
      `${folder}/extra/driver.ko`,
      `${folder}/kernel`,
      `${folder}/modules.dep`,
      'usr/bin/sleep',
      'usr/sbin/modprobe',
    ]);
    assert.equal(files.get(`${folder}/extra/driver.ko`)?.text, driver.toString('latin1'));
    assert.equal(files.get(`${folder}/kernel`)?.text, `→ /lib/modules/${kernel}/kernel`);
    assert.match(
      files.get(`${folder}/modules.dep`)?.text ?? '',
      /^extra\/driver\.ko: extra\/bus\.ko kernel\/lib\/crc\.ko$/m,
    );
    assert.equal(files.get('usr/sbin/modprobe')?.mode, 0o755);
  });

  it('of modules may lack modules.dep, modprobe or firmware, and stand elsewhere', async () => {
    const kernels = { [kernel]: { 'driver.ko': driver } };
    const files = await filesOf(
      await buildModuleImage({ kernels, modulesDep: false, modprobe: false, dirName: '/drv' }),
    );
    const folder = `drv/lib/modules/${kernel}`;
    assert.deepEqual([...files.keys()].sort(), [`${folder}/extra/driver.ko`, `${folder}/kernel`, 'usr/bin/sleep']);
  });

  it('of tools hold our scripts beside a busybox', async () => {
    const files = await filesOf(await buildToolsImage());
    assert.deepEqual([...files.keys()].sort(), ['busybox', 'install.sh', 'loader.sh']);
    assert.ok([...files.values()].every(({ mode }) => mode === 0o755));
    const given = await filesOf(await buildToolsImage({ busybox: Buffer.from('mine') }));
    assert.equal(given.get('busybox')?.text, 'mine');
  });

  it('of plugins run until they are told to stop', async () => {
    const image = await buildPluginImage();
    const folder = await mkdtemp(join(tmpdir(), 'plugin-'));
    try {
      const program = join(folder, 'device-plugin');
      await writeFile(program, (await filesOf(image)).get('usr/bin/device-plugin')?.text ?? '', { mode: 0o755 });
      const running = spawn(program, { stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = once(running, 'exit');
      assert.match(String(await once(running.stdout, 'data')), /device plugin runs/);
      running.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are the same bytes from the same input, and others with another comment', async () => {
    const build = (comment: string) => buildModuleImage({ kernels: { [kernel]: { 'driver.ko': driver } }, comment });
    const [one, again, other] = await Promise.all([build('a'), build('a'), build('b')]);
    assert.equal(one.digest, again.digest);
    assert.notEqual(one.digest, other.digest);
  });
});
