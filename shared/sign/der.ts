/** One value of DER (X.690): its tag, its content, and all its bytes with tag and length. */
export interface DerValue {
  tag: number;
  content: Buffer;
  bytes: Buffer;
}

export const derTag = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  teletexString: 0x14,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
  context0: 0x80,
  contextOf0: 0xa0,
  contextOf1: 0xa1,
} as const;

/** Bytes that are no DER; the reader of a format says what that means. */
export class DerError extends Error {
  override name = 'DerError';
}

/**
 * The one value that `bytes` begin with. Only what is read here: tags of one byte, definite lengths of at most four.
 * The hub reads with this what a registry hands out; the libraries cost 20 MB of memory for it (decision 20).
 */
export function readDer(bytes: Buffer): DerValue {
  const tag = bytes[0];
  const first = bytes[1];
  if (tag === undefined || first === undefined) throw new DerError('expected a value, got the end');
  if ((tag & 0x1f) === 0x1f) throw new DerError(`expected a tag of one byte, got 0x${tag.toString(16)}`);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) throw new DerError(`expected a definite length, got 0x${first.toString(16)}`);
  const start = 2 + lengthBytes;
  if (start > bytes.length) throw new DerError('expected a length, got the end');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  if (length > bytes.length - start) throw new DerError(`expected ${length} bytes, got ${bytes.length - start}`);
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(0, start + length) };
}

/** The values in a constructed one, in their order. */
export function derChildren(value: DerValue): DerValue[] {
  const children: DerValue[] = [];
  for (let rest = value.content; rest.length > 0; ) {
    const child = readDer(rest);
    children.push(child);
    rest = rest.subarray(child.bytes.length);
  }
  return children;
}

/** Bytes of an object identifier: those in use have 11, and its text takes the square of its length to make. */
const oidBytesMax = 64;

/** `1.2.840.…` of an object identifier's value. */
export function oidText({ content }: DerValue): string {
  if (content.length > oidBytesMax) throw new DerError(`expected an object identifier, got ${content.length} bytes`);
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}
