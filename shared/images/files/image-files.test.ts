import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { array, asyncProperty, assert as check, constantFrom, record, uint8Array } from 'fast-check';
import { digestOf } from '../../registry/manifest.ts';
import { rawLayer, type TestEntry, tarOfEntries, testLayer } from '../testing/layers.ts';
import { ArchiveRefused } from './archive-refused.ts';
import { fileAt, filesBelow, findFiles } from './find.ts';
import { contentsOf, readTree } from './image-files.ts';
import type { File } from './tree.ts';

const gzipType = 'application/vnd.oci.image.layer.v1.tar+gzip';

const file = (name: string, content: string): TestEntry => ({ name, content });
const folder = (name: string): TestEntry => ({ name, type: 'directory' });
const link = (name: string, linkname: string): TestEntry => ({ name, type: 'symlink', linkname });
const hardLink = (name: string, linkname: string): TestEntry => ({ name, type: 'link', linkname });

/** All files of an image, by real path. */
async function view(...layers: (readonly TestEntry[])[]): Promise<Record<string, string>> {
  const read = await Promise.all(layers.map((entries) => testLayer(entries)));
  const tree = await readTree(read);
  const below = [...filesBelow(tree, '/')].filter(([path, at]) => `/${path}` === at.path);
  const contents = new Map<File['content'], string>();
  const unique = new Map(below.map(([, at]) => [JSON.stringify(at.file.content), at.file]));
  for await (const found of contentsOf(read, [...unique.values()])) {
    contents.set(found.file.content, found.content.toString());
  }
  return Object.fromEntries(
    below.map(([path, at]) => [path, contents.get(unique.get(JSON.stringify(at.file.content))!.content) ?? '']).sort(),
  );
}

describe('the files of an image', () => {
  const table: [what: string, layers: (readonly TestEntry[])[], files: Record<string, string>][] = [
    ['a file replaced by an upper layer', [[file('a', '1')], [file('a', '2')]], { a: '2' }],
    ['paths with / and ./ before them', [[file('/a', '1'), file('./b', '2'), folder('./')]], { a: '1', b: '2' }],
    ['a whiteout', [[file('d/a', '1'), file('d/b', '1')], [file('d/.wh.a', '')]], { 'd/b': '1' }],
    ['a whiteout of a folder', [[file('d/a', '1')], [file('.wh.d', '')]], {}],
    ['a whiteout of what is not there', [[file('.wh.d', ''), file('x/.wh.y', '')]], {}],
    [
      'a whiteout beside what is new, in either order',
      [[file('d/a', '1')], [file('.wh.d', ''), file('d/b', '2')], [file('d/c', '3'), file('.wh.d', '')]],
      { 'd/c': '3' },
    ],
    ['an opaque folder', [[file('d/a', '1')], [file('d/.wh..wh..opq', ''), file('d/b', '2')]], { 'd/b': '2' }],
    [
      'an opaque mark after its files',
      [[file('d/a', '1')], [file('d/b', '2'), file('d/.wh..wh..opq', '')]],
      { 'd/b': '2' },
    ],
    ['a folder said again', [[file('d/a', '1')], [folder('d')]], { 'd/a': '1' }],
    ['a file in place of a folder', [[file('d/a', '1')], [file('d', '2')]], { d: '2' }],
    ['a folder in place of a file', [[file('d', '1')], [folder('d'), file('d/a', '2')]], { 'd/a': '2' }],
    ['a hard link in its layer', [[file('a', '1'), hardLink('b', 'a')]], { a: '1', b: '1' }],
    ['a hard link to a lower layer', [[file('d/a', '1')], [hardLink('b', '/d/a')], [file('.wh.d', '')]], { b: '1' }],
    [
      'a hard link whose first name is replaced',
      [[file('a', '1'), hardLink('b', 'a')], [file('a', '2')]],
      { a: '2', b: '1' },
    ],
    [
      'an entry through a link to a folder',
      [[folder('usr/lib'), link('lib', 'usr/lib')], [file('lib/a', '1')]],
      { 'usr/lib/a': '1' },
    ],
    ['an entry through a link to nothing', [[link('lib', '/usr/lib')], [file('lib/a', '1')]], { 'usr/lib/a': '1' }],
    ['an entry through a link that leaves the root', [[link('d/up', '../../..')], [file('d/up/a', '1')]], { a: '1' }],
    ['a whiteout through a link', [[file('usr/lib/a', '1'), link('lib', 'usr/lib')], [file('lib/.wh.a', '')]], {}],
    [
      'a folder in place of a link',
      [
        [file('x/a', '1'), link('d', 'x')],
        [folder('d'), file('d/b', '2')],
      ],
      { 'd/b': '2', 'x/a': '1' },
    ],
    [
      'devices and pipes, which are no files',
      [
        [
          { name: 'p', type: 'fifo' },
          { name: 'c', type: 'character-device' },
        ],
      ],
      {},
    ],
    ['no entries at all', [[]], {}],
  ];
  for (const [what, layers, files] of table) {
    it(`are right with ${what}`, async () => assert.deepEqual(await view(...layers), files));
  }

  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    for (const family of ['oci.image.layer.v1.tar', 'docker.image.rootfs.diff.tar']) {
      it(`are read from ${compression} layers of vnd.${family}`, async () => {
        const layer = await testLayer([file('a', 'x'.repeat(1_000_000))], compression);
        const docker = { gzip: '.gzip', zstd: '.zstd', none: '' }[compression];
        const suffix = family.startsWith('docker') ? docker : { gzip: '+gzip', zstd: '+zstd', none: '' }[compression];
        const tree = await readTree([Object.assign(layer, { mediaType: `application/vnd.${family}${suffix}` })]);
        assert.equal(fileAt(tree, '/a')?.file.size, 1_000_000);
      });
    }
  }

  it('are found through links of files and folders, and links that go round in circles lead nowhere', async () => {
    const tree = await readTree([
      await testLayer([
        file('usr/lib/m/a.ko', '1'),
        link('lib', 'usr/lib'),
        link('b.ko', 'lib/m/../m/a.ko'),
        link('abs', '/lib/m'),
        link('round', 'round2'),
        link('round2', './round'),
        link('deep', 'deep/deep'),
        link('host', '/proc/none'),
      ]),
    ]);
    for (const path of ['/lib/m/a.ko', 'b.ko', '/abs/a.ko', '/abs/../m/a.ko', '//lib/./m//a.ko']) {
      assert.equal(fileAt(tree, path)?.path, '/usr/lib/m/a.ko', path);
    }
    for (const path of ['/round', '/deep', '/deep/x', '/host', '/lib', '/', '/b.ko/x', '/none/a']) {
      assert.equal(fileAt(tree, path), undefined, path);
    }
  });

  it('are read again only from the layers that have them, one at a time', async () => {
    const layers = await Promise.all(
      [[file('a', '1')], [file('b', '2'), file('c', '3')], [file('d', '4')]].map((entries) => testLayer(entries)),
    );
    const tree = await readTree(layers);
    const wanted = findFiles(tree, '/[bc]')!.map(({ file: found }) => found);
    const read: string[] = [];
    for await (const { content } of contentsOf(layers, wanted)) read.push(content.toString());
    assert.deepEqual(read, ['2', '3']);
    assert.deepEqual(
      layers.map(({ reads }) => reads),
      [1, 2, 1],
    );
  });

  it('come with mode, owner, time and extended attributes, but for those that vouch for the content', async () => {
    const pax = {
      'SCHILY.xattr.user.a': 'b=c\nd',
      'SCHILY.xattr.security.selinux': 'system_u:object_r:modules_object_t:s0',
      'SCHILY.xattr.security.ima': 'hash',
      atime: '1',
      mtime: '5.25',
    };
    const entry = {
      name: 'a',
      content: 'x',
      mode: 0o640,
      uid: 7,
      gid: 8,
      uname: 'u',
      gname: 'g',
      mtime: new Date(5000),
      pax,
    };
    const layer = await testLayer([entry]);
    const tree = await readTree([layer]);
    for await (const { metadata } of contentsOf([layer], [fileAt(tree, '/a')!.file])) {
      const { content: _content, name: _name, ...expected } = entry;
      const { atime: _atime, 'SCHILY.xattr.security.ima': _ima, ...kept } = pax;
      assert.deepEqual(metadata, { ...expected, pax: kept });
    }
  });
});

describe('hostile layers', () => {
  const long = 'x'.repeat(5000);
  const deep = Array.from({ length: 300 }, () => 'd').join('/');
  const entryTable: [what: string, entries: readonly TestEntry[], reason: string][] = [
    ['a path out of the root', [file('../etc/x', '')], 'PathOutsideRoot'],
    ['a path out of the root in the middle', [file('a/../../x', '')], 'PathOutsideRoot'],
    ['a hard link out of the root', [hardLink('a', '../../etc/shadow')], 'PathOutsideRoot'],
    ['a hard link to nothing', [hardLink('a', 'b')], 'BadArchive'],
    ['a hard link to a folder', [folder('d'), hardLink('a', 'd')], 'BadArchive'],
    ['a hard link to itself', [hardLink('a', 'a')], 'BadArchive'],
    ['a path too long', [{ name: long, pax: { path: long } }], 'PathTooLong'],
    ['a link too long', [{ name: 'a', type: 'symlink', linkname: long }], 'PathTooLong'],
    ['too many folders', [file(deep, '')], 'PathTooLong'],
    ['an entry below a file', [file('a', ''), file('a/b', '')], 'BadArchive'],
    ['an entry through links in a circle', [link('a', 'b'), link('b', 'a'), file('a/x', '')], 'BadArchive'],
    ['a path with NUL', [{ name: 'x', pax: { path: 'a\0b' } }], 'BadArchive'],
  ];
  for (const [what, entries, reason] of entryTable) {
    it(`with ${what} are refused: ${reason}`, async () => {
      const layer = await testLayer(entries);
      await assert.rejects(readTree([layer]), (error) => error instanceof ArchiveRefused && error.reason === reason);
    });
  }

  const good = () => tarOfEntries([file('a', 'content'), file('b', 'x'.repeat(10_000))]);
  const bytesTable: [
    what: string,
    make: (tar: Buffer) => { content: Buffer; mediaType?: string; diffId?: string },
    reason: string,
  ][] = [
    ['what is no gzip', (tar) => ({ content: tar }), 'BadArchive'],
    ['a gzip that is cut off', (tar) => ({ content: gzipSync(tar).subarray(0, -20) }), 'BadArchive'],
    ['a tar that is cut off', (tar) => ({ content: gzipSync(tar.subarray(0, 3000)) }), 'BadArchive'],
    [
      'a tar that is cut off, and said to be so',
      (tar) => ({ content: gzipSync(tar.subarray(0, 3000)), diffId: digestOf(tar.subarray(0, 3000)) }),
      'BadArchive',
    ],
    [
      'garbage',
      () => ({ content: gzipSync(Buffer.alloc(4096, 'garbage')), diffId: digestOf(Buffer.alloc(4096, 'garbage')) }),
      'BadArchive',
    ],
    ['a wrong checksum', (tar) => ({ content: gzipSync(broken(tar)), diffId: digestOf(broken(tar)) }), 'BadArchive'],
    [
      'another content than the configuration names',
      (tar) => ({ content: gzipSync(Buffer.concat([tar, Buffer.alloc(512)])) }),
      'BadArchive',
    ],
    ['a header of 8 GB', () => ({ content: gzipSync(paxOf8GB()), diffId: digestOf(paxOf8GB()) }), 'BadArchive'],
    [
      'an encrypted layer',
      (tar) => ({ content: tar, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' }),
      'UnsupportedLayer',
    ],
    [
      'another kind of artifact',
      (tar) => ({ content: tar, mediaType: 'application/vnd.in-toto+json' }),
      'UnsupportedLayer',
    ],
    [
      'no zstd',
      (tar) => ({ content: gzipSync(tar), mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }),
      'BadArchive',
    ],
  ];
  for (const [what, make, reason] of bytesTable) {
    it(`of ${what} are refused: ${reason}`, async () => {
      const tar = await good();
      const { content, mediaType = gzipType, diffId = digestOf(tar) } = make(tar);
      const layer = rawLayer(content, { mediaType, diffId });
      await assert.rejects(readTree([layer]), (error) => error instanceof ArchiveRefused && error.reason === reason);
    });
  }

  function broken(tar: Buffer): Buffer {
    const copy = Buffer.from(tar);
    copy.writeUInt8(copy.readUInt8(0) ^ 1, 0);
    return copy;
  }

  function paxOf8GB(): Buffer {
    const header = Buffer.alloc(512);
    header.write('PaxHeader', 0);
    header.write('0000644\0', 100);
    header.write('77777777777\0', 124);
    header.write('x', 156);
    header.write('ustar\x0000', 257);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return Buffer.concat([header, Buffer.alloc(1024)]);
  }

  it('that unpack for ever are given up: ArchiveTooLarge', async () => {
    const { Allowance, tarOf } = await import('./layer.ts');
    const content = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const layer = rawLayer(content, { mediaType: gzipType, diffId: '' });
    let bytes = 0;
    const read = async () => {
      for await (const chunk of tarOf(layer, new Allowance(1024 * 1024))) bytes += chunk.length;
    };
    await assert.rejects(read(), (error) => error instanceof ArchiveRefused && error.reason === 'ArchiveTooLarge');
    assert.ok(bytes <= 1024 * 1024);
  });

  it('with more entries than any image has are refused: ArchiveTooLarge', async () => {
    const entries = Array.from({ length: 11 }, (_, index) => file(`a${index}`, ''));
    const layers = [await testLayer(entries.slice(0, 6)), await testLayer(entries.slice(6))];
    const bounds = { layersMax: 2, entriesMax: 11, unpackedBytesMax: 1_000_000 };
    await readTree(layers, bounds);
    for (const less of [{ entriesMax: 10 }, { layersMax: 1 }, { unpackedBytesMax: 5_000 }]) {
      const reading = readTree(layers, { ...bounds, ...less });
      await assert.rejects(reading, (error) => error instanceof ArchiveRefused && error.reason === 'ArchiveTooLarge');
    }
  });

  it('with links of links take no longer than the bound on steps', async () => {
    const chain = Array.from({ length: 38 }, (_, index) => link(`l${index + 1}`, `${'d/../'.repeat(400)}l${index}`));
    const files = Array.from({ length: 5_000 }, (_, index) => file(`l38/f${index}`, ''));
    const layer = await testLayer([folder('d'), folder('l0'), ...chain, ...files]);
    await assert.rejects(readTree([layer]), /links that lead nowhere soon/);
  });

  it('that want a huge file in memory are refused: FileTooLarge', async () => {
    const huge: File = { kind: 'file', layer: 0, content: { layer: 0, ordinal: 0 }, size: 129 * 1024 * 1024 };
    const read = async () => {
      for await (const _found of contentsOf([await testLayer([])], [huge])) assert.fail();
    };
    await assert.rejects(read(), (error) => error instanceof ArchiveRefused && error.reason === 'FileTooLarge');
  });

  it('end a reading with their own failure when the registry fails midway', async () => {
    const layer = await testLayer([file('a', 'x'.repeat(200_000))], 'none');
    const failing = {
      ...layer,
      async *read() {
        yield layer.content.subarray(0, 1000);
        throw new Error('the connection broke');
      },
    };
    await assert.rejects(readTree([failing]), /the connection broke/);
    await assert.rejects(readTree([{ ...failing, mediaType: gzipType }]), /BadArchive|incorrect header|broke/);
  });

  it('of any entries and any bytes end in a tree or a refusal', async () => {
    const name = constantFrom('a', 'a/b', '.wh.a', 'a/.wh..wh..opq', 'a/../b', '.', '/', '.wh.', 'b/.wh..', 'b/a/a');
    const type = constantFrom('directory' as const, 'symlink' as const, 'link' as const, 'fifo' as const, undefined);
    const entries = array(record({ name, linkname: name, type }), { maxLength: 12 });
    const property = asyncProperty(array(entries, { maxLength: 3 }), uint8Array(), async (layers, bytes) => {
      const good = await Promise.all(layers.map((each) => testLayer(each as TestEntry[])));
      const bad = rawLayer(Buffer.from(bytes), { mediaType: gzipType, diffId: '' });
      for (const image of [good, [...good, bad]]) {
        await readTree(image).catch((error) => assert.ok(error instanceof ArchiveRefused, String(error)));
      }
    });
    await check(property, { numRuns: 200 });
  });
});
