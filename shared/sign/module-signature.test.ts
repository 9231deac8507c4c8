import assert from 'node:assert/strict';
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { Attribute, ContentInfo, SignedData, SignerIdentifier } from '@peculiar/asn1-cms';
import { AsnConvert } from '@peculiar/asn1-schema';
import { AttributeValue, SubjectKeyIdentifier } from '@peculiar/asn1-x509';
import fc from 'fast-check';
import { elfModule } from '../testing/elf-module.ts';
import { type KeyKind, makeSigningKeys, type SigningKeys } from '../testing/signing-keys.ts';
import { readSigningPair, type SigningPair } from './key-pair.ts';
import { moduleSignature, signModule, withoutSignatures } from './module-signature.ts';
import { SigningRefused } from './signing-refused.ts';

const nowMs = Date.parse('2026-06-01');
const magic = '~Module signature appended~\n';
const structBytes = 12;

function pairOf({ key, certificate }: SigningKeys): SigningPair {
  return readSigningPair({ key: key.export({ type: 'pkcs8', format: 'der' }), certificate, nowMs });
}

/** What another signer appends: a signature of any bytes, with a `struct module_signature` of any kind. */
function appended(content: Buffer, signature: Buffer, struct: Partial<Record<0 | 2 | 3 | 4, number>> = {}): Buffer {
  const bytes = Buffer.alloc(structBytes);
  bytes[2] = 2;
  for (const [at, value] of Object.entries(struct)) bytes[Number(at)] = value;
  bytes.writeUInt32BE(signature.length - (struct[3] ?? 0) - (struct[4] ?? 0), 8);
  return Buffer.concat([content, signature, bytes, Buffer.from(magic)]);
}

describe('a module’s signature', () => {
  let keys: SigningKeys;
  let pair: SigningPair;
  before(async () => {
    keys = await makeSigningKeys({ rsa: 2048 });
    pair = pairOf(keys);
  });

  for (const kind of [
    { rsa: 2048 },
    { rsa: 3072 },
    { rsa: 4096 },
    { ec: 'P-256' },
    { ec: 'P-384' },
  ] satisfies KeyKind[])
    it(`is what the kernel reads, by a key ${JSON.stringify(kind)}: detached, one signer, no certificates, no attributes [88]`, async () => {
      const own = await makeSigningKeys(kind);
      const ko = elfModule();
      const signed = signModule(ko, pairOf(own));
      assert.deepEqual(signed.subarray(0, ko.length), ko);
      const end = signed.length - magic.length - structBytes;
      assert.equal(signed.toString('latin1', end + structBytes), magic);
      const cms = signed.subarray(ko.length, end);
      const struct = Buffer.from([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, cms.length >> 8, cms.length & 0xff]);
      assert.deepEqual(signed.subarray(end, end + structBytes), struct);

      const info = AsnConvert.parse(cms, ContentInfo);
      const data = AsnConvert.parse(info.content, SignedData);
      assert.deepEqual([data.version, data.certificates, data.crls], [1, undefined, undefined]);
      assert.deepEqual(
        [data.encapContentInfo.eContentType, data.encapContentInfo.eContent],
        ['1.2.840.113549.1.7.1', undefined],
      );
      assert.deepEqual([data.digestAlgorithms.length, data.signerInfos.length], [1, 1]);
      const signer = data.signerInfos[0]!;
      assert.deepEqual([signer.version, signer.signedAttrs, signer.unsignedAttrs], [1, undefined, undefined]);
      for (const digest of [data.digestAlgorithms[0]!, signer.digestAlgorithm])
        assert.deepEqual([digest.algorithm, digest.parameters], ['2.16.840.1.101.3.4.2.1', undefined]);
      const { algorithm, parameters } = signer.signatureAlgorithm;
      const expected = 'rsa' in kind ? ['1.2.840.113549.1.1.1', null] : ['1.2.840.10045.4.3.2', undefined];
      assert.deepEqual([algorithm, parameters], expected);
      assert.ok(verify('sha256', ko, createPublicKey(own.key), Buffer.from(signer.signature.buffer)));
    });

  it('is read as it was written', () => {
    const ko = elfModule();
    const read = moduleSignature(signModule(ko, pair));
    assert.ok(read !== undefined && 'serial' in read.signer);
    assert.deepEqual([read.digest, read.algorithm, read.content], ['sha256', 'rsaEncryption', ko]);
    const { commonName, serial, issuer } = read.signer;
    assert.deepEqual([commonName, BigInt(`0x${serial}`)], ['authority of modules', BigInt(`0x${pair.serial}`)]);
    assert.ok(pair.certificate.includes(issuer));
    assert.ok(new X509Certificate(pair.certificate).publicKey.asymmetricKeyType === 'rsa');
    assert.ok(verify('sha256', ko, new X509Certificate(pair.certificate).publicKey, read.value));
    assert.equal(moduleSignature(ko), undefined);
    assert.equal(moduleSignature(Buffer.alloc(0)), undefined);
  });

  it('keeps the module’s bytes, is the same whenever it is made again, and never doubled', () => {
    const texts = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 3 }), (text, times) => {
        const ko = elfModule({ text });
        const kept = Buffer.from(ko);
        const signed = signModule(ko, pair);
        let again = signed;
        for (let each = 0; each < times; each += 1) again = signModule(again, pair);
        assert.deepEqual(again, signed);
        assert.deepEqual([ko, withoutSignatures(signed)], [kept, kept]);
      }),
      { numRuns: 30 },
    );
  });

  it('takes the place of every one that was there: other keys’, several, and of the form before Linux 4.3', async () => {
    const ko = elfModule();
    const other = pairOf(await makeSigningKeys({ ec: 'P-256' }));
    const wanted = signModule(ko, pair);
    const before = {
      'another key': signModule(ko, other),
      'two of PKCS#7': appended(signModule(ko, other), other.signedData(ko)),
      'X.509 with name and key identifier': appended(ko, Buffer.from('nameidentifier and signature'), {
        0: 1,
        2: 1,
        3: 4,
        4: 10,
      }),
      'old within new': signModule(appended(ko, Buffer.from('nameidsignature'), { 2: 1, 3: 4, 4: 2 }), other),
    };
    for (const [what, signed] of Object.entries(before)) assert.deepEqual(signModule(signed, pair), wanted, what);
  });

  it('names the key by its identifier, passes by signed attributes, and shows algorithms that have no name here', () => {
    const data = AsnConvert.parse(AsnConvert.parse(pair.signedData(elfModule()), ContentInfo).content, SignedData);
    const signer = data.signerInfos[0]!;
    signer.sid = new SignerIdentifier({ subjectKeyIdentifier: new SubjectKeyIdentifier(Buffer.from('c0ffee', 'hex')) });
    signer.digestAlgorithm.algorithm = '2.16.840.1.101.3.4.2.8';
    // contentType, with the identifier of data.
    const contentType = Uint8Array.from(Buffer.from('06092a864886f70d010701', 'hex'));
    const attribute = { attrType: '1.2.840.113549.1.9.3', attrValues: [contentType.buffer] };
    signer.signedAttrs = [new Attribute(attribute)];
    const cms = new ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: AsnConvert.serialize(data) });
    const read = moduleSignature(appended(elfModule(), Buffer.from(AsnConvert.serialize(cms))));
    assert.deepEqual([read?.signer, read?.digest], [{ keyId: 'c0ffee' }, '2.16.840.1.101.3.4.2.8']);
  });

  const issuers: Record<string, [AttributeValue, string]> = {
    'UTF-8': [new AttributeValue({ utf8String: 'Größe ключ' }), 'Größe ключ'],
    'two bytes a character': [new AttributeValue({ bmpString: 'Größe ключ' }), 'Größe ключ'],
    'one byte a character': [new AttributeValue({ teletexString: 'Gr\u00f6\u00dfe' }), 'Größe'],
    'with what would move a cursor': [new AttributeValue({ utf8String: 'a\u001b[2Jb\nc' }), 'a [2Jb c'],
    'very long': [new AttributeValue({ utf8String: 'x'.repeat(5000) }), 'x'.repeat(200)],
  };
  for (const [how, [value, shown]] of Object.entries(issuers))
    it(`shows its issuer’s name: ${how}`, () => {
      const data = AsnConvert.parse(AsnConvert.parse(pair.signedData(elfModule()), ContentInfo).content, SignedData);
      const issuer = data.signerInfos[0]!.sid.issuerAndSerialNumber!.issuer;
      for (const part of issuer) for (const each of part) if (each.type === '2.5.4.3') each.value = value;
      const cms = new ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: AsnConvert.serialize(data) });
      const read = moduleSignature(appended(elfModule(), Buffer.from(AsnConvert.serialize(cms))));
      assert.equal(read !== undefined && 'commonName' in read.signer && read.signer.commonName, shown);
    });

  const unreadable: [string, () => Buffer, RegExp][] = [
    [
      'no room for its length',
      () => Buffer.concat([elfModule().subarray(0, 20), Buffer.alloc(11), Buffer.from([255]), Buffer.from(magic)]),
      /at most 20 bytes/,
    ],
    ['no bytes of signature', () => appended(elfModule(), Buffer.alloc(0)), /got 0/],
    [
      'of the form before Linux 4.3',
      () => appended(elfModule(), Buffer.from('namesignature'), { 2: 1, 3: 4 }),
      /PKCS#7 signature \(type 2\), got type 1/,
    ],
    [
      'with a name beside PKCS#7',
      () => appended(elfModule(), Buffer.from('namesignature'), { 3: 4 }),
      /expected a PKCS#7/,
    ],
    ['of text', () => appended(elfModule(), Buffer.from('signer=me')), /module does, but: expected/],
    [
      'of more bytes than any has',
      () => appended(elfModule(), Buffer.alloc(65_537, Buffer.from('0500', 'hex'))),
      /expected at most 65536 bytes of signature, got 65537/,
    ],
    [
      'cut off',
      () => appended(elfModule(), pair.signedData(elfModule()).subarray(0, 100)),
      /expected \d+ bytes, got 96/,
    ],
  ];
  for (const [what, ko, message] of unreadable)
    it(`is not taken for one: ${what}`, () => {
      assert.throws(() => moduleSignature(ko()), { name: 'SigningRefused', reason: 'SignatureUnreadable', message });
    });

  it('survives any bytes: it is read or refused', () => {
    const cms = pair.signedData(elfModule());
    const changes = fc.array(fc.tuple(fc.nat(cms.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (all) => {
        const changed = Buffer.from(cms);
        for (const [at, value] of all) changed[at] = value;
        try {
          moduleSignature(appended(elfModule(), changed));
        } catch (error) {
          assert.ok(error instanceof SigningRefused, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  const refusals: [string, string, Buffer, RegExp][] = [
    ['NotElf', 'nothing', Buffer.alloc(0), /got a file that begins with nothing: it is empty/],
    ['NotElf', 'a script', Buffer.from('#!/bin/sh\n'), /begins with the bytes 23212f62/],
    ['NotElf', 'the start of a header', elfModule().subarray(0, 30), /broken ELF header/],
    ['NotRelocatable', 'a program', elfModule({ type: 2 }), /an ELF file of type 2 \(a program\)/],
    ['NotRelocatable', 'a shared object', elfModule({ type: 3 }), /type 3 \(a shared object or program\)/],
    [
      'NotAModule',
      'an object file of no module',
      elfModule({ infoSection: '.comment' }),
      /without a section \.modinfo/,
    ],
    ['NotAModule', 'half a module', elfModule().subarray(0, 200), /broken section table/],
  ];
  for (const [reason, what, ko, message] of refusals)
    it(`is refused, ${reason}: ${what}`, () => {
      assert.throws(() => signModule(ko, pair), { name: 'SigningRefused', reason, message });
      // Also when it was signed by who did not look.
      if (ko.length > 0) assert.throws(() => signModule(appended(ko, Buffer.from('signature')), pair), { reason });
    });
});
