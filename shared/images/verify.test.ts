import assert from 'node:assert/strict';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { koFile, vermagicOf } from '../../e2e/world/kernel/ko.ts';
import { buildModuleImage, type ModuleImageOptions } from '../../e2e/world/registry/module-image.ts';
import { buildImage, imageIndex, type LayerEntry, type OciImage } from '../../e2e/world/registry/oci-image.ts';
import { type Registry, startRegistry } from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { RegistryClient } from '../registry/client.ts';
import { parseReference } from '../registry/reference.ts';
import type { ExpectedModule } from './module-checks.ts';
import { type Verification, verifyImage } from './verify.ts';

const kernel = '6.1.0-13.el9';
const folder = `/opt/lib/modules/${kernel}`;
const good = koFile({ name: 'my_driver', vermagic: vermagicOf(kernel) });
const signed = koFile({ name: 'my_driver', vermagic: vermagicOf(kernel), signedBy: 'me' });
const expectedDefault: ExpectedModule = { kernel, dirName: '/opt', moduleName: 'my-driver', signed: false };
const amd64 = { os: 'linux', architecture: 'amd64' };

describe('verifying an image', () => {
  let registry: Registry;
  let client: RegistryClient;
  beforeEach(async () => {
    registry = await startRegistry({ clock: systemClock });
    client = new RegistryClient({ clock: systemClock, extraCa: registry.caPem });
  });
  afterEach(async () => {
    await client.close();
    await registry.stop();
  });

  function store(image: OciImage): void {
    for (const blob of image.blobs) registry.store.putBlob(blob);
    for (const manifest of image.manifests) registry.store.putManifest('team/app', '1', manifest);
  }

  async function verify(expected: Partial<ExpectedModule> = {}): Promise<Verification> {
    const [answer] = await verifyAll([expected]);
    assert.ok(answer);
    return answer;
  }

  function verifyAll(all: readonly Partial<ExpectedModule>[]): Promise<Verification[]> {
    const parsed = parseReference(`${registry.host}/team/app:1`);
    assert.ok(parsed.kind === 'reference');
    const target = { reference: parsed.reference, tls: { insecure: false, insecureSkipTLSVerify: false } };
    const expected = all.map((each) => ({ ...expectedDefault, ...each }));
    return verifyImage({ client, target, platform: amd64, expected });
  }

  const image = (files: Record<string, Buffer>, options: Partial<ModuleImageOptions> = {}) =>
    buildModuleImage({ kernels: { [kernel]: files }, ...options });
  const plain = (...entries: LayerEntry[]) => buildImage({ layers: [entries] });
  const listed = (path: string): LayerEntry => ({ path: `${folder}/modules.dep`, content: `${path}:\n` });

  const goods: [what: string, make: () => Promise<OciImage>, expected?: Partial<ExpectedModule>][] = [
    ['the module in its folder [53]', () => image({ 'my_driver.ko': good })],
    [
      'the file spelled with - and the module with _',
      () => image({ 'my-driver.ko': good }),
      { moduleName: 'my_driver' },
    ],
    ['another folder', () => image({ 'my_driver.ko': good }, { dirName: '/drv' }), { dirName: '/drv/' }],
    [
      'a kernel that ends in + where the mapping’s does not',
      () => image({ 'my_driver.ko': koFile({ name: 'my_driver', vermagic: vermagicOf(`${kernel}+`) }) }),
    ],
    ['a signature where one is wanted', () => image({ 'my_driver.ko': signed }), { signed: true }],
    ['a signature where none is wanted', () => image({ 'my_driver.ko': signed })],
    [
      'a module packed by gzip',
      () =>
        plain({ path: `${folder}/extra/my_driver.ko.gz`, content: gzipSync(good) }, listed('extra/my_driver.ko.gz')),
    ],
    [
      'a module packed by zstd',
      () =>
        plain({ path: `${folder}/my_driver.ko.zst`, content: zstdCompressSync(signed) }, listed('my_driver.ko.zst')),
      { signed: true },
    ],
    [
      'a module behind links',
      () =>
        plain(
          { path: '/srv/extra/my_driver.ko', content: good },
          { path: `${folder}/extra`, linkTo: '/srv/extra' },
          listed('extra/my_driver.ko'),
        ),
    ],
    [
      'two of that name, of which modules.dep names the right one',
      () =>
        plain(
          { path: `${folder}/a/my_driver.ko`, content: Buffer.from('x') },
          { path: `${folder}/b/my_driver.ko`, content: good },
          listed('b/my_driver.ko'),
        ),
    ],
    [
      'any modules where only arguments are given',
      () => image({ 'other.ko': good }, { modulesDep: false }),
      { moduleName: undefined },
    ],
  ];
  for (const [what, make, expected] of goods) {
    it(`finds ${what}`, async () => {
      const made = await make();
      store(made);
      assert.deepEqual(await verify(expected), { kind: 'good', digest: made.digest });
    });
  }

  const bads: [
    what: string,
    make: () => Promise<OciImage>,
    reason: string,
    message: RegExp,
    expected?: Partial<ExpectedModule>,
  ][] = [
    [
      'no folder for the kernel',
      () => image({ 'my_driver.ko': good }),
      'ModulesFolderMissing',
      /found modules for 6\.1\.0-13\.el9/,
      { kernel: '6.1.1' },
    ],
    [
      'no folder at all',
      () => plain({ path: '/x', content: '' }),
      'ModulesFolderMissing',
      /expected a folder \/opt\/lib\/modules\/6\.1\.0-13\.el9, found none/,
      { moduleName: undefined },
    ],
    [
      'another module',
      () => image({ 'other.ko': good }),
      'ModuleFileMissing',
      /expected my-driver\.ko .*found the modules extra\/other\.ko/,
    ],
    ['a module of a similar name', () => image({ 'my_driver2.ko': good }), 'ModuleFileMissing', /my_driver2/],
    [
      'no modules.dep [214]',
      () => image({ 'my_driver.ko': good }, { modulesDep: false }),
      'NoModulesDep',
      /run depmod -b \/opt 6\.1\.0-13\.el9 in the Dockerfile/,
    ],
    [
      'a modules.dep without the module [214]',
      () => plain({ path: `${folder}/my_driver.ko`, content: good }, listed('my_driver.ko.xz')),
      'NotInModulesDep',
      /depmod -b \/opt/,
    ],
    [
      'a module for another kernel',
      () => image({ 'my_driver.ko': koFile({ name: 'my_driver', vermagic: vermagicOf('5.14.0') }) }),
      'WrongVermagic',
      /extra\/my_driver\.ko: expected a module for kernel 6\.1\.0-13\.el9, got one for 5\.14\.0/,
    ],
    [
      'a module for a kernel whose name only begins so',
      () => image({ 'my_driver.ko': koFile({ name: 'my_driver', vermagic: vermagicOf(`${kernel}+x`) }) }),
      'WrongVermagic',
      /got one for/,
    ],
    [
      'no signature where one is wanted',
      () => image({ 'my_driver.ko': good }),
      'NotSigned',
      /without a signature/,
      { signed: true },
    ],
    [
      'what is no module',
      () => plain({ path: `${folder}/my_driver.ko`, content: '#!/bin/sh' }, listed('my_driver.ko')),
      'NotAModule',
      /my_driver\.ko: expected a kernel module/,
    ],
    [
      'a module that an upper layer hides',
      () =>
        buildImage({
          layers: [
            [{ path: `${folder}/my_driver.ko`, content: good }, listed('my_driver.ko')],
            [{ path: `${folder}/.wh.my_driver.ko`, content: '' }],
          ],
        }),
      'ModuleFileMissing',
      /found none/,
    ],
    ['a hostile layer', () => plain({ path: '../../x', content: '' }), 'PathOutsideRoot', /outside the root/],
  ];
  for (const [what, make, reason, message, expected] of bads) {
    it(`says ${reason} of an image with ${what}`, async () => {
      store(await make());
      const answer = await verify(expected);
      assert.equal(answer.kind === 'bad' ? answer.reason : JSON.stringify(answer), reason);
      assert.match(answer.kind === 'bad' ? answer.message : '', message);
    });
  }

  it('looks at the platform’s image of an index, and gives the digest of the index', async () => {
    const platforms = [amd64, { os: 'linux', architecture: 'arm64' }];
    const [ours, theirs] = await Promise.all(
      platforms.map(async (platform, at) => ({
        platform,
        image: await image({ 'my_driver.ko': at === 0 ? good : signed }, { platform }),
      })),
    );
    const index = imageIndex([theirs!, ours!]);
    store(index);
    assert.deepEqual(await verify(), { kind: 'good', digest: index.digest });
    assert.equal((await verify({ signed: true })).kind, 'bad');
    store(imageIndex([theirs!]));
    const missing = await verify();
    assert.equal(missing.kind === 'bad' && missing.reason, 'PlatformMissing');
  });

  it('says that an image is missing, and of a registry that fails nothing about the image', async () => {
    const missing = await verify();
    assert.equal(missing.kind === 'bad' && missing.reason, 'ImageMissing');
    store(await image({ 'my_driver.ko': good }));
    registry.fault = ({ path }) =>
      path.includes('/blobs/') ? { reply: { status: 503, headers: { 'retry-after': '7' } } } : undefined;
    const unknown = await verify();
    assert.ok(unknown.kind === 'unknown');
    assert.deepEqual([unknown.reason, unknown.retryAfterMs], ['RegistryUnavailable', 7_000]);
    registry.fault = ({ path }) =>
      path.includes('/blobs/') ? { reply: { status: 200, body: 'other bytes' } } : undefined;
    const lied = await verify();
    assert.equal(lied.kind === 'unknown' && lied.reason, 'UnexpectedAnswer');
  });

  it('answers each who expects something, and downloads once for all of them', async () => {
    const other = '6.1.0-14.el9';
    const made = await buildModuleImage({
      kernels: {
        [kernel]: { 'my_driver.ko': good },
        [other]: { 'my_driver.ko': koFile({ name: 'my_driver', vermagic: vermagicOf('5.14.0') }) },
      },
    });
    store(made);
    await verify();
    const ofOne = registry.requests.map(({ path }) => path);
    const answers = await verifyAll([
      {},
      { kernel: other },
      { signed: true },
      { kernel: '6.2.0' },
      { moduleName: undefined },
    ]);
    assert.deepEqual(
      answers.map((answer) => (answer.kind === 'bad' ? answer.reason : answer.kind)),
      ['good', 'WrongVermagic', 'NotSigned', 'ModulesFolderMissing', 'good'],
    );
    assert.deepEqual(
      registry.requests.slice(ofOne.length).map(({ path }) => path),
      ofOne,
    );
  });

  it('answers each whose module is another name of one file', async () => {
    const other = '6.1.0-14.el9';
    const path = (of: string, name: string) => `/opt/lib/modules/${of}/${name}`;
    store(
      await plain(
        { path: path(kernel, 'my_driver.ko'), content: good },
        listed('my_driver.ko'),
        { path: path(other, 'my_driver.ko'), linkTo: path(kernel, 'my_driver.ko') },
        { path: path(other, 'modules.dep'), content: 'my_driver.ko:\n' },
      ),
    );
    const answers = await verifyAll([{}, { kernel: other }, {}]);
    assert.deepEqual(
      answers.map((answer) => (answer.kind === 'bad' ? answer.reason : answer.kind)),
      ['good', 'WrongVermagic', 'good'],
    );
  });
});
