/**
 * A signature as the kernel's sign-file lays it out (RFC 5652, SignedData, version 1, no certificates), by a key of this name.
 * Its value is no signature of anything: the modelled kernel looks at the name only.
 */
export function standInSignature(commonName: string): Buffer {
  const issuer = tlv(0x30, tlv(0x31, tlv(0x30, oid('550403'), tlv(0x0c, Buffer.from(commonName)))));
  const sha256 = tlv(0x30, oid('608648016503040201'));
  const rsa = tlv(0x30, oid('2a864886f70d010101'), tlv(0x05));
  const version = integer(1);
  const signer = tlv(0x30, version, tlv(0x30, issuer, integer(1)), sha256, rsa, tlv(0x04, Buffer.from('stand-in')));
  const data = tlv(0x30, oid('2a864886f70d010701'));
  const signedData = tlv(0x30, version, tlv(0x31, sha256), data, tlv(0x31, signer));
  return tlv(0x30, oid('2a864886f70d010702'), tlv(0xa0, signedData));
}

function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function oid(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

function integer(value: number): Buffer {
  return tlv(0x02, Buffer.from([value]));
}
