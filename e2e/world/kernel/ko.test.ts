import assert from 'node:assert/strict';
import fc from 'fast-check';
import { koFile, modulesDep, parseKo, signatureMagic, vermagicOf } from './ko.ts';

describe('a stand-in kernel module', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/);

  it('says again what it was made of, in the kernel’s spelling', () => {
    const property = fc.property(
      fc.record(
        {
          name: word,
          vermagic: fc.constant(vermagicOf('6.1.0')),
          depends: fc.array(word),
          signedBy: word,
          description: word,
        },
        { requiredKeys: ['name', 'vermagic'] },
      ),
      (options) => {
        const info = parseKo(koFile(options));
        assert.equal(info?.name, options.name.replaceAll('-', '_'));
        assert.equal(info.vermagic, options.vermagic);
        assert.deepEqual(
          info.depends,
          (options.depends ?? []).map((name) => name.replaceAll('-', '_')),
        );
        assert.deepEqual([info.signedBy, info.description], [options.signedBy, options.description]);
      },
    );
    fc.assert(property);
  });

  it('ends with the kernel’s magic string when it is signed, and only then', () => {
    const options = { name: 'a', vermagic: vermagicOf('6.1.0') };
    assert.equal(koFile(options).toString('latin1').endsWith(signatureMagic), false);
    assert.equal(
      koFile({ ...options, signedBy: 'me' })
        .toString('latin1')
        .endsWith(signatureMagic),
      true,
    );
  });

  it('is none when the bytes are anything else', () => {
    const property = fc.property(fc.uint8Array(), (bytes) => assert.equal(parseKo(Buffer.from(bytes)), undefined));
    fc.assert(property);
    assert.equal(parseKo(Buffer.from('\x7fELF\0name=a\0', 'latin1')), undefined);
  });

  it('is listed in modules.dep with all that it needs', () => {
    const info = (name: string, depends: string[]) => parseKo(koFile({ name, vermagic: 'x', depends }))!;
    const files = new Map([
      ['extra/a.ko', info('a', ['b-c', 'absent'])],
      ['extra/b-c.ko', info('b-c', ['d'])],
      ['extra/d.ko', info('d', [])],
    ]);
    assert.equal(modulesDep(files), 'extra/a.ko: extra/b-c.ko extra/d.ko\nextra/b-c.ko: extra/d.ko\nextra/d.ko:\n');
  });
});
