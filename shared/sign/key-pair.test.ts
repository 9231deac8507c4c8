import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { type KeyKind, makeSigningKeys, type SigningKeys } from '../testing/signing-keys.ts';
import { readSigningPair, type SigningFiles } from './key-pair.ts';
import { SigningRefused } from './signing-refused.ts';

const nowMs = Date.parse('2026-06-01');
const passphrase = 'correct horse';
const cipher = 'aes-256-cbc';
type Forms = Record<string, (keys: SigningKeys) => Partial<SigningFiles>>;

describe('a key and its certificate', () => {
  let rsa: SigningKeys;
  let ec: SigningKeys;
  before(async () => {
    rsa = await makeSigningKeys({ rsa: 2048 });
    ec = await makeSigningKeys({ ec: 'P-256' });
  });
  const filesOf = (keys: SigningKeys): SigningFiles => ({ key: pkcs8(keys), certificate: keys.certificate, nowMs });

  const common: Forms = {
    'PKCS#8 in PEM, certificate in DER': (keys) => ({ key: pkcs8(keys) }),
    'PKCS#8 in DER': ({ key }) => ({ key: key.export({ type: 'pkcs8', format: 'der' }) }),
    'encrypted PKCS#8 in PEM': ({ key }) => ({
      key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem', cipher, passphrase })),
      passphrase,
    }),
    'encrypted PKCS#8 in DER': ({ key }) => ({
      key: key.export({ type: 'pkcs8', format: 'der', cipher, passphrase }),
      passphrase,
    }),
    'a passphrase with the line break of `echo`': ({ key }) => ({
      key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem', cipher, passphrase })),
      passphrase: `${passphrase}\n`,
    }),
    'a passphrase that nobody asked for': (keys) => ({ key: pkcs8(keys), passphrase }),
    'line breaks of Windows and text around the key': (keys) => ({
      key: Buffer.from(`Bag Attributes\r\n${pkcs8(keys).toString().replaceAll('\n', '\r\n')}\r\n`),
    }),
    'the certificate in PEM': ({ certificatePem }) => ({ certificate: Buffer.from(certificatePem) }),
    'key and certificate in one file of PEM': (keys) => {
      const both = Buffer.from(`${keys.certificatePem}\n${pkcs8(keys)}`);
      return { key: both, certificate: both };
    },
  };
  const ofRsa: Forms = {
    'PKCS#1 in PEM': ({ key }) => ({ key: Buffer.from(key.export({ type: 'pkcs1', format: 'pem' })) }),
    'PKCS#1 in DER': ({ key }) => ({ key: key.export({ type: 'pkcs1', format: 'der' }) }),
    'traditional encrypted PEM': ({ key }) => ({
      key: Buffer.from(key.export({ type: 'pkcs1', format: 'pem', cipher, passphrase })),
      passphrase,
    }),
  };
  const ofEc: Forms = {
    'SEC1 in PEM': ({ key }) => ({ key: Buffer.from(key.export({ type: 'sec1', format: 'pem' })) }),
    'SEC1 in DER': ({ key }) => ({ key: key.export({ type: 'sec1', format: 'der' }) }),
    'SEC1 behind the block of its parameters, as openssl ecparam writes it': ({ key }) => ({
      key: Buffer.from(
        `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${key.export({ type: 'sec1', format: 'pem' })}`,
      ),
    }),
  };
  const tables: [string, () => SigningKeys, Forms][] = [
    ['RSA', () => rsa, { ...common, ...ofRsa }],
    ['ECDSA', () => ec, { ...common, ...ofEc }],
  ];
  for (const [kind, keys, forms] of tables)
    for (const [form, given] of Object.entries(forms))
      it(`is read: ${kind}, ${form} [87]`, () => {
        const pair = readSigningPair({ ...filesOf(keys()), ...given(keys()) });
        assert.deepEqual(pair.certificate, keys().certificate);
        assert.deepEqual([pair.subject, pair.serial], ['CN=module signing key', 'F1C2']);
        assert.doesNotMatch(JSON.stringify(pair), /PRIVATE|"d"/);
      });

  const refusals: [string, string, () => Partial<SigningFiles> | Promise<Partial<SigningFiles>>, RegExp][] = [
    [
      'NoKey',
      'no key in the file',
      () => ({ key: Buffer.from('') }),
      /expected a private key .* got neither PEM nor DER/,
    ],
    ['NoKey', 'text', () => ({ key: Buffer.from('hunter2') }), /neither PEM nor DER/],
    ['NoKey', 'only a certificate', () => ({ key: Buffer.from(rsa.certificatePem) }), /without a block "PRIVATE KEY"/],
    ['NoKey', 'the certificate as key', () => ({ key: rsa.certificate }), /DER of another kind/],
    [
      'NoKey',
      'a public key',
      () => ({ key: Buffer.from(createPublicKey(rsa.key).export({ type: 'spki', format: 'pem' })) }),
      /PRIVATE KEY/,
    ],
    ['KeyUnreadable', 'a damaged key', () => ({ key: damaged(pkcs8(rsa)) }), /^the key cannot be read: ERR_/],
    [
      'KeyUnreadable',
      'too long a file',
      () => ({ key: Buffer.alloc(70_000, '-----BEGIN ') }),
      /expected at most 65536/,
    ],
    [
      'KeyUnreadable',
      'a damaged encrypted key',
      () => ({ key: damaged(encrypted()), passphrase }),
      /damaged, or encrypted in a way/,
    ],
    [
      'PassphraseMissing',
      'no passphrase',
      () => ({ key: encrypted() }),
      /^the key is encrypted: expected its passphrase/,
    ],
    ['WrongPassphrase', 'a wrong passphrase', () => ({ key: encrypted(), passphrase: 'wrong' }), /cannot be decrypted/],
    ['WrongPassphrase', 'an empty passphrase', () => ({ key: encrypted(), passphrase: '' }), /cannot be decrypted/],
    [
      'KeyTypeUnsupported',
      'Ed25519',
      () => of({ other: 'ed25519' }),
      /verify modules with RSA, or ECDSA on P-256 or P-384; the key is ed25519/,
    ],
    ['KeyTypeUnsupported', 'RSA-PSS', () => of({ other: 'rsa-pss' }), /the key is rsa-pss/],
    ['KeyTypeUnsupported', 'P-521', () => of({ ec: 'P-521' }), /the key is ec on secp521r1/],
    [
      'KeyTooShort',
      'RSA of 1024 bits',
      () => of({ rsa: 1024 }),
      /has 1024 bits, expected at least 2048: shorter keys can be broken/,
    ],
    [
      'KeyLengthUnsupported',
      'RSA of 2560 bits',
      () => of({ rsa: 2560 }),
      /has 2560 bits; kernels verify with 2048, 3072 or 4096/,
    ],
    ['NoCertificate', 'a key as certificate', () => ({ certificate: pkcs8(rsa) }), /without a block "CERTIFICATE"/],
    ['CertificateUnreadable', 'no certificate', () => ({ certificate: Buffer.from('') }), /expected a certificate/],
    [
      'CertificateUnreadable',
      'half of one',
      () => ({ certificate: rsa.certificate.subarray(0, 200) }),
      /expected a certificate/,
    ],
    [
      'CertificateMismatch',
      'another key’s certificate',
      () => ({ certificate: ec.certificate }),
      /of CN=module signing key \(serial number F1C2\) belongs to another key/,
    ],
    [
      'CertificateNotYetValid',
      'too early',
      () => ({ nowMs: Date.parse('2019-12-31') }),
      /is valid from 2020-01-01T00:00:00\.000Z on/,
    ],
    [
      'CertificateExpired',
      'too late',
      () => ({ nowMs: Date.parse('2030-01-01T00:00:01Z') }),
      /expired at 2030-01-01T00:00:00\.000Z/,
    ],
  ];
  async function of(kind: KeyKind): Promise<Partial<SigningFiles>> {
    return filesOf(await makeSigningKeys(kind));
  }
  const encrypted = () => Buffer.from(rsa.key.export({ type: 'pkcs8', format: 'pem', cipher, passphrase }));
  for (const [reason, what, given, message] of refusals)
    it(`is refused, ${reason}: ${what}`, async () => {
      const files = { ...filesOf(rsa), ...(await given()) };
      assert.throws(
        () => readSigningPair(files),
        (error) => {
          assert.ok(error instanceof SigningRefused, String(error));
          assert.equal(error.reason, reason);
          assert.match(error.message, message);
          assert.ok(!error.message.includes(passphrase) && !error.message.includes('hunter2'));
          return true;
        },
      );
    });

  it('holds to the second at both ends of its time', () => {
    const { validFromDate, validToDate } = new X509Certificate(rsa.certificate);
    for (const date of [validFromDate, validToDate]) readSigningPair({ ...filesOf(rsa), nowMs: date.getTime() });
  });

  it('never takes a wrong passphrase for another fault', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const format of ['der', 'pem'] as const) {
      const key = Buffer.from(privateKey.export({ type: 'pkcs8', format: format as 'pem', cipher, passphrase }));
      for (let each = 0; each < 100; each += 1)
        assert.throws(() => readSigningPair({ key, certificate: ec.certificate, passphrase: `wrong ${each}`, nowMs }), {
          reason: 'WrongPassphrase',
        });
    }
  });
});

function pkcs8({ key }: SigningKeys): Buffer {
  return Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }));
}

/** In the first line of PEM, where it says how what follows is written. */
function damaged(pem: Buffer): Buffer {
  const at = pem.indexOf('\n') + 13;
  return Buffer.concat([pem.subarray(0, at), Buffer.from('AAAA'), pem.subarray(at + 4)]);
}
