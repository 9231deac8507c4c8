import { oneLine } from '../core/one-line.ts';
import { DerError, type DerValue, derChildren, derTag, oidText, readDer } from './der.ts';
import { requireModule } from './elf.ts';
import type { SigningPair } from './key-pair.ts';
import { SigningRefused } from './signing-refused.ts';

/**
 * How the kernel finds a signature: from the end of the file backwards (include/linux/module_signature.h).
 *
 *     module ─ signature (CMS) ─ struct module_signature, 12 bytes ─ magic
 *                                algo hash id_type=2 signer_len key_id_len pad[3] sig_len (big endian)
 */
const magic = Buffer.from('~Module signature appended~\n', 'latin1');
const structBytes = 12;
const idTypePkcs7 = 2;
/** Bytes of a signature that is read: one has half a kilobyte, with certificates some more. It may be made to cost memory. */
const signatureBytesMax = 65_536;
/** A common name is text from an image: shown, never trusted. */
const nameCharsMax = 200;

/** What the last signature of a file says. It is read, not verified: who reads has no certificate to verify it with. */
export interface ModuleSignature {
  /** Whose key: by issuer and serial number of its certificate (what we write), or by the key's identifier. */
  signer: { commonName: string; issuer: Buffer; serial: string } | { keyId: string };
  /** `sha256`, or a dotted identifier. */
  digest: string;
  /** `rsaEncryption`, `ecdsa-with-SHA256`, or a dotted identifier. */
  algorithm: string;
  /** The signature proper, over `content` when there are no signed attributes. */
  value: Buffer;
  /** The file without this signature. */
  content: Buffer;
}

/**
 * `ko` with one signature of `pair`, in place of any that it had: signing again gives the same bytes (RSA), never a second
 * signature. Throws `SigningRefused` for what is no kernel module. The input is left as it is.
 */
export function signModule(ko: Buffer, pair: SigningPair): Buffer {
  const content = withoutSignatures(ko);
  requireModule(content);
  const signature = pair.signedData(content);
  const struct = Buffer.alloc(structBytes);
  struct.writeUInt8(idTypePkcs7, 2);
  struct.writeUInt32BE(signature.length, 8);
  return Buffer.concat([content, signature, struct, magic]);
}

/**
 * The signature at the end of `ko`, or `undefined` when there is none. Throws `SigningRefused` (`SignatureUnreadable`) when the
 * kernel's magic is there and what stands before it is nothing that a kernel since 4.3 reads.
 */
export function moduleSignature(ko: Buffer): ModuleSignature | undefined {
  const found = appended(ko);
  if (found === undefined) return undefined;
  const { content, signature, struct } = found;
  // mod_check_sig: all but the kind and the length is zero.
  if (struct.readUInt8(2) !== idTypePkcs7 || struct.subarray(0, 8).some((byte, at) => at !== 2 && byte !== 0))
    throw unreadable(`expected a PKCS#7 signature (type 2), got type ${struct.readUInt8(2)}`);
  if (signature.length > signatureBytesMax)
    throw unreadable(`expected at most ${signatureBytesMax} bytes of signature, got ${signature.length}`);
  try {
    return { ...signerInfo(signature), content };
  } catch (error) {
    if (error instanceof DerError) throw unreadable(error.message);
    throw error;
  }
}

/** `ko` without its signatures, however many there are and of whatever kind. */
export function withoutSignatures(ko: Buffer): Buffer {
  let content = ko;
  for (let found = appended(content); found !== undefined; found = appended(content)) content = found.content;
  return content;
}

function appended(ko: Buffer): { content: Buffer; signature: Buffer; struct: Buffer } | undefined {
  const end = ko.length - magic.length - structBytes;
  if (end < 0 || !ko.subarray(ko.length - magic.length).equals(magic)) return undefined;
  const struct = ko.subarray(end, end + structBytes);
  // Before 4.3 the signer's name and key identifier stood in front of the signature; they are zero in PKCS#7.
  const bytes = struct.readUInt32BE(8) + struct.readUInt8(3) + struct.readUInt8(4);
  if (bytes === 0 || bytes >= end) throw unreadable(`expected at most ${end} bytes of signature, got ${bytes}`);
  return { content: ko.subarray(0, end - bytes), signature: ko.subarray(end - bytes, end), struct };
}

/** RFC 5652: ContentInfo → SignedData → the first SignerInfo (the kernel's sign-file writes one). */
function signerInfo(signature: Buffer): Omit<ModuleSignature, 'content'> {
  const [, explicit] = inside(readDer(signature), derTag.sequence);
  const [signedData] = inside(explicit, derTag.contextOf0);
  const signers = inside(signedData, derTag.sequence).at(-1);
  const [first] = inside(signers, derTag.set);
  const [, sid, digest, ...rest] = inside(first, derTag.sequence);
  const [algorithm, value] = rest[0]?.tag === derTag.contextOf0 ? rest.slice(1) : rest;
  if (value?.tag !== derTag.octets) throw new DerError('expected a signature in the signer info');
  return { signer: signerOf(sid), digest: nameOf(digest), algorithm: nameOf(algorithm), value: value.content };
}

function signerOf(sid: DerValue | undefined): ModuleSignature['signer'] {
  if (sid?.tag === derTag.context0) return { keyId: sid.content.toString('hex') };
  const [issuer, serial] = inside(sid, derTag.sequence);
  if (issuer === undefined || serial?.tag !== derTag.integer)
    throw new DerError('expected an issuer and a serial number');
  return { commonName: commonName(issuer), issuer: issuer.bytes, serial: serial.content.toString('hex') };
}

/** The last common name in an issuer's name; '' without one. */
function commonName(name: DerValue): string {
  const attributes = inside(name, derTag.sequence).flatMap((each) => inside(each, derTag.set));
  const values = attributes.map((each) => inside(each, derTag.sequence));
  const text = values.findLast(([type]) => type !== undefined && oidText(type) === '2.5.4.3')?.[1];
  if (text === undefined) return '';
  const cut = text.content.subarray(0, 4 * nameCharsMax);
  return oneLine(new TextDecoder(encodings[text.tag] ?? 'utf-8').decode(cut).slice(0, nameCharsMax));
}

/** Old certificates: T61 is written as Latin-1 by all that still write it. The rest is UTF-8 or a part of it. */
const encodings: Record<number, string> = { [derTag.teletexString]: 'latin1', [derTag.bmpString]: 'utf-16be' };

const names: Record<string, string> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
};

function nameOf(algorithm: DerValue | undefined): string {
  const [oid] = inside(algorithm, derTag.sequence);
  if (oid?.tag !== derTag.oid) throw new DerError('expected an algorithm');
  const text = oidText(oid);
  return names[text] ?? text;
}

function inside(value: DerValue | undefined, tag: number): DerValue[] {
  if (value?.tag !== tag) throw new DerError(`expected tag 0x${tag.toString(16)}, got ${value?.tag ?? 'the end'}`);
  return derChildren(value);
}

function unreadable(message: string): SigningRefused {
  return new SigningRefused('SignatureUnreadable', `the file ends as a signed module does, but: ${message}`);
}
