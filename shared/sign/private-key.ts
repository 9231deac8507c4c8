import { createPrivateKey, type KeyObject } from 'node:crypto';
import { derChildren, derTag, readDer } from './der.ts';
import { SigningRefused } from './signing-refused.ts';

/** A Secret holds 1 MiB; the longest key that a kernel takes is 4 KiB. */
const fileBytesMax = 65_536;

interface KeyFile {
  key: string | Buffer;
  format: 'pem' | 'der';
  type?: 'pkcs1' | 'pkcs8' | 'sec1';
  isEncrypted: boolean;
}

/**
 * A private key out of a file: PEM (also with other blocks around it) or DER; PKCS#8, PKCS#1 or SEC1; encrypted or not.
 * Throws `SigningRefused` whose message names neither the key nor the passphrase.
 */
export function readPrivateKey(file: Buffer, passphrase: string | undefined): KeyObject {
  if (file.length > fileBytesMax)
    throw new SigningRefused('KeyUnreadable', `the key has ${file.length} bytes, expected at most ${fileBytesMax}`);
  const { isEncrypted, ...input } = isPem(file) ? fromPem(file) : fromDer(file);
  if (!isEncrypted) return decoded(() => createPrivateKey(input));
  if (passphrase === undefined)
    throw new SigningRefused(
      'PassphraseMissing',
      'the key is encrypted: expected its passphrase beside it in the Secret, got none',
    );
  try {
    return decrypted(() => createPrivateKey({ ...input, passphrase }));
  } catch (error) {
    // `echo … > file` ends in a line break that nobody means.
    const trimmed = passphrase.replace(/\r?\n$/, '');
    if (trimmed === passphrase) throw error;
    return decrypted(() => createPrivateKey({ ...input, passphrase: trimmed }));
  }
}

export function isPem(file: Buffer): boolean {
  return file.includes('-----BEGIN ');
}

/** The first block of PEM whose label ends in `label`, whole. */
export function pemBlock(file: Buffer, label: string): { label: string; text: string } | undefined {
  const blocks = file
    .toString('latin1')
    .matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----[^-]*(?:-(?!----)[^-]*)*-----END \1-----/g);
  const found = blocks.find(([, each]) => each?.endsWith(label));
  return found === undefined ? undefined : { label: found[1] ?? '', text: `${found[0]}\n` };
}

function fromPem(file: Buffer): KeyFile {
  const block = pemBlock(file, 'PRIVATE KEY');
  if (block === undefined) throw noKey('got PEM without a block "PRIVATE KEY"');
  const isEncrypted = block.label.startsWith('ENCRYPTED') || block.text.includes('Proc-Type: 4,ENCRYPTED');
  return { key: block.text, format: 'pem', isEncrypted };
}

/** Which of the forms it is shows in the first two members: RFC 5958, 8017, 5915. */
function fromDer(file: Buffer): KeyFile {
  const form = decoded(() => {
    const [first, second] = derChildren(readDer(file));
    if (first?.tag === derTag.sequence && second?.tag === derTag.octets) return 'encrypted';
    if (first?.tag !== derTag.integer) return undefined;
    return formsBySecond[second?.tag ?? 0];
  }, noKey('got neither PEM nor DER'));
  if (form === undefined) throw noKey('got DER of another kind (a PKCS#12 file must be taken apart first)');
  return { key: file, format: 'der', type: form === 'encrypted' ? 'pkcs8' : form, isEncrypted: form === 'encrypted' };
}

const formsBySecond: Record<number, 'pkcs1' | 'pkcs8' | 'sec1'> = {
  [derTag.sequence]: 'pkcs8',
  [derTag.integer]: 'pkcs1',
  [derTag.octets]: 'sec1',
};

function decoded<Value>(read: () => Value, instead?: SigningRefused): Value {
  try {
    return read();
  } catch (error) {
    throw instead ?? new SigningRefused('KeyUnreadable', `the key cannot be read: ${codeOf(error)}`);
  }
}

function decrypted(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (error) {
    const code = codeOf(error);
    // A wrong passphrase shows as broken padding or, once in some hundred times, as nonsense behind good padding.
    if (/^ERR_OSSL_(?:EVP|PEM)_/.test(code))
      throw new SigningRefused(
        'KeyUnreadable',
        `the key is damaged, or encrypted in a way that is not supported: ${code}`,
      );
    throw new SigningRefused(
      'WrongPassphrase',
      'the key cannot be decrypted with the passphrase given, or its file is damaged',
    );
  }
}

/** OpenSSL's code, not its message: enough to look it up, and surely nothing of the key. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

function noKey(got: string): SigningRefused {
  return new SigningRefused('NoKey', `expected a private key (PEM or DER; PKCS#8, PKCS#1 or SEC1), ${got}`);
}
