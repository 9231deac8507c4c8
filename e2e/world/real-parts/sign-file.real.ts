import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSigningPair } from '../../../shared/sign/key-pair.ts';
import { openKo } from '../../../shared/sign/ko-file.ts';
import { moduleSignature, signModule } from '../../../shared/sign/module-signature.ts';
import { elfModule } from '../../../shared/testing/elf-module.ts';
import { type KeyKind, makeSigningKeys, type SigningKeys } from '../../../shared/testing/signing-keys.ts';
import { kernelSignFile } from '../debian/sign-file.ts';

const nowMs = Date.parse('2026-06-01');
/** Compresses badly and well, and is no multiple of anything. */
const text = Buffer.concat([
  Buffer.alloc(300_001, 'text of a module '),
  ...Array.from({ length: 9000 }, (_, at) => Buffer.from(`${at * 7919}`)),
]);
const ko = elfModule({ text });

describe('the kernel’s own sign-file', () => {
  let signFile: string;
  let folder: string;
  before(async () => {
    signFile = await kernelSignFile();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sign-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  function theirs(keys: SigningKeys, content: Buffer, passphrase?: string): Buffer {
    const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
    const key = write('key.pem', keys.key.export({ type: 'pkcs8', format: 'pem', ...encryption }) as string);
    const certificate = write('certificate.der', keys.certificate);
    const file = write('module.ko', content);
    execFileSync(signFile, ['sha256', key, certificate, file], {
      stdio: 'pipe',
      env: { ...process.env, KBUILD_SIGN_PIN: passphrase },
    });
    return readFileSync(file);
  }

  const issuers: Record<string, Parameters<typeof makeSigningKeys>[1]> = {
    'a common issuer': {},
    'an issuer in many scripts, with two values in one part': {
      issuer: 'C=DE, O=Größe und Söhne, OU=モジュール+L=Köln, CN=ключ, DC=example, E=a@example.com',
      serialNumber: '7fffffffffffffffffffffffffffffffffffff01',
    },
    'a serial number with its first bit set': { serialNumber: '00ff00000000000000000000000000000000000080' },
    'a serial number of one byte': { serialNumber: '01' },
  };
  for (const bits of [2048, 3072, 4096])
    for (const [what, options] of Object.entries(issuers))
      it(`writes the same bytes as we do: RSA ${bits}, ${what} [88]`, async () => {
        const keys = await makeSigningKeys({ rsa: bits }, options);
        assert.deepEqual(signModule(ko, pairOf(keys)), theirs(keys, ko));
      });

  it('writes the same bytes as we do with an encrypted key [88]', async () => {
    const keys = await makeSigningKeys({ rsa: 2048 });
    assert.deepEqual(signModule(ko, pairOf(keys)), theirs(keys, ko, 'correct horse'));
  });

  it('writes what we read, and what we sign anew: with ECDSA, and twice', async () => {
    const keys = await makeSigningKeys({ ec: 'P-256' });
    const twice = theirs(keys, theirs(keys, ko));
    const read = moduleSignature(twice);
    assert.deepEqual([read?.digest, read?.algorithm], ['sha256', 'ecdsa-with-SHA256']);
    assert.ok(read !== undefined && 'serial' in read.signer && read.signer.commonName === 'authority of modules');
    const rsa = await makeSigningKeys({ rsa: 2048 });
    assert.deepEqual(signModule(twice, pairOf(rsa)), theirs(rsa, ko));
  });
});

describe('openssl, on our signatures', () => {
  let folder: string;
  before(() => needed('openssl'));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const kind of [{ rsa: 2048 }, { rsa: 4096 }, { ec: 'P-256' }, { ec: 'P-384' }] satisfies KeyKind[])
    it(`verifies them, and none over other bytes: ${JSON.stringify(kind)}`, async () => {
      const keys = await makeSigningKeys(kind);
      const [cms, certificate, content, other] = [
        ['signature.der', pairOf(keys).signedData(ko)],
        ['certificate.pem', keys.certificatePem],
        ['module.ko', ko],
        ['other.ko', elfModule({ text: Buffer.from('other') })],
      ].map(([name, bytes]) => {
        writeFileSync(join(folder, name as string), bytes!);
        return join(folder, name as string);
      });
      // The kernel asks for no chain either: the key is enrolled, or it is not.
      const verify = (file: string) =>
        spawnSync(
          'openssl',
          [
            'cms',
            '-verify',
            '-noverify',
            '-binary',
            '-inform',
            'DER',
            '-in',
            cms!,
            '-certfile',
            certificate!,
            '-content',
            file,
            '-out',
            join(folder, 'out'),
          ],
          { encoding: 'utf8' },
        );
      const good = verify(content!);
      assert.equal(good.status, 0, good.stderr);
      assert.deepEqual(readFileSync(join(folder, 'out')), ko);
      assert.notEqual(verify(other!).status, 0);
    });
});

describe('xz, gzip and zstd', () => {
  before(() => {
    for (const program of ['xz', 'gzip', 'zstd']) needed(program);
  });
  const programs: Record<string, readonly string[][]> = {
    // As the kernel's makefiles call them, and as a person may.
    xz: [['--check=crc32', '--lzma2=dict=1MiB'], ['-9'], ['--check=none'], ['--block-size=65536']],
    gzip: [['-n'], []],
    zstd: [[], ['-19', '--long=26'], ['--no-check']],
  };
  for (const [program, calls] of Object.entries(programs))
    for (const options of calls)
      it(`write what we unpack, and unpack what we write: ${[program, ...options].join(' ')}`, async () => {
        const run = (args: readonly string[], input: Buffer) =>
          execFileSync(program, args, { input, maxBuffer: 2 ** 26, stdio: ['pipe', 'pipe', 'pipe'] });
        const opened = await openKo(`module.ko.${program}`, run(['-c', ...options], ko));
        assert.ok(opened.content.equals(ko));
        const next = elfModule({ text: text.subarray(0, 200_000) });
        assert.ok(run(['-dc'], await opened.pack(next)).equals(next));
        run(['-t'], await opened.pack(next));
      });
});

function pairOf({ key, certificate }: SigningKeys) {
  return readSigningPair({ key: key.export({ type: 'pkcs8', format: 'der' }), certificate, nowMs });
}

function needed(program: string): void {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  assert.ok(
    error === undefined,
    `expected ${program} in PATH; apt-get install ${program === 'xz' ? 'xz-utils' : program} brings it`,
  );
}
