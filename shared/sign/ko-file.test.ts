import assert from 'node:assert/strict';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { elfModule } from '../testing/elf-module.ts';
import { moduleInfo, openKo } from './ko-file.ts';
import { SigningRefused } from './signing-refused.ts';
import { packXz } from './xz.ts';

describe('what a module says of itself', () => {
  for (const bits of [32, 64] as const)
    for (const endian of ['little', 'big'] as const)
      it(`is read from ELF of ${bits} bits, ${endian} endian`, () => {
        const options = {
          name: 'nic_core',
          vermagic: '6.1.0-28-amd64 SMP preempt ',
          depends: ['mdev', 'vfio'],
          bits,
          endian,
        };
        const { name, vermagic, depends } = options;
        assert.deepEqual(moduleInfo(elfModule(options)), { name, vermagic, depends });
        assert.deepEqual(moduleInfo(elfModule({ bits, endian })).depends, []);
      });

  it('is read or refused, whatever the bytes', () => {
    const whole = elfModule();
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(changes, fc.nat(whole.length), fc.boolean(), (all, end, isCut) => {
        const changed = Buffer.from(whole);
        for (const [at, value] of all) changed[at] = value;
        try {
          moduleInfo(isCut ? changed.subarray(0, end) : changed);
        } catch (error) {
          assert.ok(error instanceof SigningRefused, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** "a kernel module, packed. " forty times, by xz 5.4: what no package of npm writes. */
const packedText = 'a kernel module, packed. '.repeat(40);
const xzFiles: Record<string, string> = {
  CRC32:
    '/Td6WFoAAAFpIt42AgAhARAAAACocI6G4APnACVdADCICWaUU3S2cVWQOrvY+r9cbnqJfZTbfwansN+s5xg32e1JPgAAAAAASdDvowABPegHAAAACXTC/j4wDYsCAAAAAAFZWg==',
  CRC64:
    '/Td6WFoAAATm1rRGAgAhARAAAACocI6G4APnACVdADCICWaUU3S2cVWQOrvY+r9cbnqJfZTbfwansN+s5xg32e1JPgAAAAAAbkLyD1Tnf/kAAUHoBwAAALO5IoKxxGf7AgAAAAAEWVo=',
  'no check':
    '/Td6WFoAAAD/EtlBAgAhARAAAACocI6G4APnACVdADCICWaUU3S2cVWQOrvY+r9cbnqJfZTbfwansN+s5xg32e1JPgAAAAAAAAE56AcAAAAfNlNlqAAK/AIAAAAAAFla',
};
const xzOfSha256 =
  '/Td6WFoAAArh+wyhAgAhARAAAACocI6G4APnACVdADCICWaUU3S2cVWQOrvY+r9cbnqJfZTbfwansN+s5xg32e1JPgAAAAAA62MNetAA9ZRx8PnpxP3K7VdiNc7MCESQNaiaEGTADlMAAVnoBwAAAEU5p2226d8cAgAAAAAKWVo=';

describe('a packed module', () => {
  const forms: Record<string, { pack(content: Buffer): Buffer; unpack?(file: Buffer): Buffer }> = {
    '.ko': { pack: (content) => content, unpack: (file) => file },
    '.ko.gz': { pack: (content) => gzipSync(content), unpack: (file) => gunzipSync(file) },
    '.ko.zst': { pack: (content) => zstdCompressSync(content), unpack: (file) => zstdDecompressSync(file) },
    '.ko.xz': { pack: packXz },
  };
  for (const [form, { pack, unpack }] of Object.entries(forms)) {
    it(`is unpacked, and packed in the same form: ${form}`, async () => {
      const content = fc.uint8Array({ maxLength: 300_000, size: 'max' }).map((bytes) => Buffer.from(bytes));
      await fc.assert(
        fc.asyncProperty(content, content, async (first, second) => {
          const ko = await openKo(`nic${form}`, pack(elfModule({ text: first })));
          assert.deepEqual(ko.content, elfModule({ text: first }));
          const packed = await ko.pack(elfModule({ text: second }));
          assert.deepEqual(packed, await ko.pack(elfModule({ text: second })));
          if (unpack !== undefined) assert.deepEqual(unpack(packed), elfModule({ text: second }));
          const again = await openKo(`nic${form}`, packed);
          assert.deepEqual(again.content, elfModule({ text: second }));
        }),
        { numRuns: 10 },
      );
    });

    it(`is refused when it is larger than a module can be: ${form}`, async () => {
      const content = elfModule({ text: Buffer.alloc(100_000) });
      assert.equal((await openKo('nic.ko', pack(content), content.length)).content.length, content.length);
      await assert.rejects(openKo(`nic${form}`, pack(content), content.length - 1), {
        name: 'SigningRefused',
        reason: 'ModuleTooLarge',
        message: `nic${form}: expected a module of at most ${content.length - 1} bytes, got more`,
      });
    });
  }

  it('says nothing of when, by whom and where it was made', async () => {
    const { pack } = await openKo('nic.ko.gz', gzipSync('old'));
    assert.deepEqual((await pack(Buffer.from('new'))).subarray(0, 10), Buffer.from('1f8b0800000000000203', 'hex'));
  });

  for (const [check, file] of Object.entries(xzFiles))
    it(`is unpacked as xz with ${check}`, async () => {
      const ko = await openKo('nic.ko.xz', Buffer.from(file, 'base64'));
      assert.equal(ko.content.toString(), packedText);
    });

  const whole = Buffer.from(xzFiles['CRC32'] ?? '', 'base64');
  it('is refused when it is larger than a module can be: .ko.xz, compressed', async () => {
    assert.equal((await openKo('nic.ko.xz', whole, packedText.length)).content.length, packedText.length);
    await assert.rejects(openKo('nic.ko.xz', whole, packedText.length - 1), { reason: 'ModuleTooLarge' });
    // What was left of the file is let go: the next is read.
    assert.equal((await openKo('nic.ko.xz', whole)).content.length, packedText.length);
  });

  const damaged = Buffer.from(whole);
  damaged[40] = 0xff;
  const unreadable: Record<string, [Buffer, RegExp]> = {
    'gzip, cut off': [gzipSync(packedText).subarray(0, 40), /gzip unpacks, got: unexpected end of file/],
    'zstd, cut off': [zstdCompressSync(Buffer.from(packedText)).subarray(0, 30), /zstd unpacks, got: /],
    'xz, cut off': [whole.subarray(0, 60), /xz unpacks, got: a file that was cut off/],
    'xz, only its first bytes': [whole.subarray(0, 6), /xz unpacks, got: a file that was cut off/],
    'xz, damaged': [damaged, /xz unpacks, got: damaged data/],
    'xz, with a check that kernels do not know': [Buffer.from(xzOfSha256, 'base64'), /got: a check other than CRC32/],
  };
  for (const [what, [file, message]] of Object.entries(unreadable))
    it(`is refused: ${what}`, async () => {
      await assert.rejects(openKo('nic.ko.x', file), {
        name: 'SigningRefused',
        reason: 'PackingUnreadable',
        message,
      });
      // The decoder is one for all files: a broken one must not stand in the way of the next.
      assert.equal((await openKo('nic.ko.xz', whole)).content.toString(), packedText);
    });

  it('of xz is one that every kernel’s decoder takes: CRC32, a small dictionary, chunks of at most 64 KiB', () => {
    const file = packXz(Buffer.alloc(65_537, 7));
    assert.deepEqual(file.subarray(0, 12), Buffer.from('fd377a585a0000016922de36', 'hex'));
    assert.deepEqual(file.subarray(12, 20), Buffer.from('0200210108000000', 'hex'));
    assert.deepEqual(file.subarray(24, 27), Buffer.from('01ffff', 'hex'));
    assert.deepEqual(file.subarray(27 + 65_536, 27 + 65_536 + 5), Buffer.from('0200000700', 'hex'));
    assert.equal(file.length % 4, 0);
  });
});
