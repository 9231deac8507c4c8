import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Registry, startRegistry } from '../../e2e/world/registry/server.ts';
import { systemClock } from '../core/clock.ts';
import { tarOfEntries } from '../images/testing/layers.ts';
import { elfModule } from '../testing/elf-module.ts';
import { makeSigningKeys, type SigningKeys } from '../testing/signing-keys.ts';
import { moduleSignature } from './module-signature.ts';
import { storedImage, storeImage } from './testing/unsigned-image.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));
const ko = 'opt/lib/modules/6.1.0/extra/nic.ko';
const password = 'pass-word-of-ann';

describe('the program of the sign Job', () => {
  let keys: SigningKeys;
  let registry: Registry;
  let folder: string;
  before(async () => {
    keys = await makeSigningKeys({ rsa: 2048 });
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sign-main-'));
    registry = await startRegistry({ clock: systemClock, users: { ann: password }, scheme: 'bearer' });
    const tars = [await tarOfEntries([{ name: ko, content: elfModule() }])];
    storeImage(registry.store, { repository: 'team/nic', tag: 'unsigned' }, { tars });
    await put('ca.pem', registry.caPem);
    await put('secrets/key/key', keys.key.export({ type: 'pkcs8', format: 'pem' }));
    await put('secrets/cert/cert', keys.certificate);
    const auth = Buffer.from(`ann:${password}`).toString('base64');
    await put('secrets/push/.dockerconfigjson', JSON.stringify({ auths: { [registry.host]: { auth } } }));
    await mkdir(join(folder, 'tmp'));
  });
  afterEach(async () => {
    await registry.stop();
    await rm(folder, { recursive: true });
  });

  async function put(path: string, content: string | Buffer): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }

  /** The program as its pod runs it, with nothing else in its environment. */
  async function run(environment: Record<string, string | undefined> = {}) {
    const env: Record<string, string | undefined> = {
      KMM_UNSIGNED_IMAGE: `${registry.host}/team/nic:unsigned`,
      KMM_SIGNED_IMAGE: `${registry.host}/team/nic:1`,
      KMM_FILES_TO_SIGN: JSON.stringify(['/opt/lib/modules/6.1.0/extra/*.ko']),
      KMM_DIR_NAME: '/opt',
      KMM_KERNEL: '6.1.0',
      KMM_UNSIGNED_TLS: '{}',
      KMM_SIGNED_TLS: '{"insecure":false,"insecureSkipTLSVerify":false}',
      KMM_CA_FILE: join(folder, 'ca.pem'),
      KMM_SECRETS_ROOT: join(folder, 'secrets'),
      KMM_TERMINATION_LOG: join(folder, 'termination-log'),
      TMPDIR: join(folder, 'tmp'),
      ...environment,
    };
    const child = spawn(process.execPath, [program], { env: env as NodeJS.ProcessEnv });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const [code] = (await once(child, 'close')) as [number];
    const message = await readFile(join(folder, 'termination-log'), 'utf8');
    const text = `${Buffer.concat(output)}${message}`;
    // Nothing that it was trusted with is ever said.
    const secret =
      Buffer.from(keys.key.export({ type: 'pkcs8', format: 'pem' }))
        .toString()
        .split('\n')[2] ?? '';
    for (const each of [secret, password, Buffer.from(`ann:${password}`).toString('base64')]) {
      assert.ok(!text.includes(each));
    }
    assert.deepEqual(await readdir(join(folder, 'tmp')), []);
    return { code, text, result: JSON.parse(message) as Record<string, unknown> };
  }

  it('signs by the keys that are mounted, and leaves the digest and the files behind [83, 87, 88]', async () => {
    const { code, result } = await run();
    const image = await storedImage(registry.store, 'team/nic', '1');
    assert.deepEqual([code, result], [0, { result: 'Signed', digest: image.digest, files: [`/${ko}`] }]);
    const signature = moduleSignature(image.top.at(-1)?.content ?? Buffer.alloc(0));
    assert.equal(signature?.digest, 'sha256');
    assert.equal(signature.algorithm, 'rsaEncryption');
  });

  it('asks for the passphrase of an encrypted key in the same Secret', async () => {
    const encrypted = keys.key.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'pass phrase',
    });
    await put('secrets/key/key', encrypted);
    assert.equal((await run()).result['reason'], 'PassphraseMissing');
    await put('secrets/key/passphrase', 'pass phrase\n');
    assert.equal((await run()).code, 0);
  });

  it('sends its login over what is not verified only when it is told so', async () => {
    const skip = { KMM_CA_FILE: undefined, KMM_UNSIGNED_TLS: '{"insecureSkipTLSVerify":true}' };
    const insecure = { ...skip, KMM_SIGNED_TLS: '{"insecureSkipTLSVerify":true}' };
    const kept = await run(insecure);
    assert.deepEqual([kept.code, kept.result['reason']], [1, 'AccessDenied']);
    assert.match(String(kept.result['message']), /kept back/);
    assert.equal((await run({ ...insecure, KMM_INSECURE_LOGINS: 'true' })).code, 0);
  });

  const troubles: [what: string, environment: Record<string, string | undefined>, result: string, reason: string][] = [
    ['a file that is not there', { KMM_FILES_TO_SIGN: '["/opt/none.ko"]' }, 'Refused', 'NothingMatches'],
    ['no list of files', { KMM_FILES_TO_SIGN: '/opt/a.ko' }, 'Refused', 'InvalidSettings'],
    ['no dirName', { KMM_DIR_NAME: undefined }, 'Refused', 'InvalidSettings'],
    ['a name that is no image', { KMM_SIGNED_IMAGE: 'A/b:c' }, 'Refused', 'InvalidImage'],
    ['an image without a tag', { KMM_SIGNED_IMAGE: 'quay.io/a/b' }, 'Refused', 'InvalidImage'],
    ['no mounted key', { KMM_SECRETS_ROOT: '/nowhere' }, 'Refused', 'InvalidSettings'],
    ['no trusted authority', { KMM_CA_FILE: undefined }, 'Failed', 'CertificateRefused'],
    ['a file of authorities that is not there', { KMM_CA_FILE: '/nowhere' }, 'Failed', 'SignerBroke'],
  ];
  for (const [what, environment, result, reason] of troubles) {
    it(`says ${result}, ${reason}, of ${what}`, async () => {
      const ended = await run(environment);
      assert.deepEqual([ended.code, ended.result['result'], ended.result['reason']], [1, result, reason]);
      assert.ok(!ended.text.includes('    at '), ended.text);
    });
  }

  it('says that the image is missing, in one line like all else', async () => {
    const ended = await run({ KMM_UNSIGNED_IMAGE: `${registry.host}/team/nic:none` });
    assert.deepEqual([ended.code, ended.result['result'], ended.result['reason']], [1, 'Failed', 'ImageMissing']);
  });

  it('refuses a certificate of another key, and logins that are none', async () => {
    const other = await makeSigningKeys({ rsa: 2048 });
    await put('secrets/cert/cert', other.certificate);
    assert.equal((await run()).result['reason'], 'CertificateMismatch');
    await put('secrets/cert/cert', keys.certificate);
    await put('secrets/push/.dockerconfigjson', `{"auths":${password}`);
    assert.equal((await run()).result['reason'], 'InvalidSettings');
  });
});
