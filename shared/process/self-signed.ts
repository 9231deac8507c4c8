import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificatePair } from './certificate-folder.ts';

/** A scraper that trusts nothing in particular is no better off with a short one, and nobody renews it. */
const validMs = 10 * 365 * 24 * 3_600_000;
const clockSkewMs = 3_600_000;

const oids = {
  commonName: [0x55, 0x04, 0x03],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  basicConstraints: [0x55, 0x1d, 0x13],
  keyUsage: [0x55, 0x1d, 0x0f],
  extendedKeyUsage: [0x55, 0x1d, 0x25],
  subjectAltName: [0x55, 0x1d, 0x11],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
} as const;

/**
 * A certificate that a server signs for itself (P-256, RFC 5280), so that a metrics page is never in clear: who wants it
 * verified gives one by `metrics.certDir`. Node has no call for this, and the libraries cost megabytes in every program
 * for one fixed form of 20 fields; so it is written out here, and the test has OpenSSL read it (decision 16).
 */
export function selfSignedCertificate(options: { name: string; hosts: string[]; nowMs: number }): CertificatePair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const name = sequence(set(sequence(oid(oids.commonName), der(0x0c, Buffer.from(options.name)))));
  const body = sequence(
    der(0xa0, integer(2)), // version 3
    der(0x02, positive(randomBytes(16))),
    algorithm,
    name,
    sequence(time(options.nowMs - clockSkewMs), time(options.nowMs + validMs)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions(options.hosts))),
  );
  const signature = sign('sha256', body, privateKey);
  return {
    cert: pem('CERTIFICATE', sequence(body, algorithm, bits(signature))),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function extensions(hosts: readonly string[]): Buffer[] {
  const critical = der(0x01, Buffer.from([0xff]));
  // digitalSignature: the first of the bits, the other seven unused.
  const signing = der(0x03, Buffer.from([7, 0x80]));
  const names = hosts.filter((host) => isIP(host) === 0).map((host) => der(0x82, Buffer.from(host)));
  const loopback = der(0x87, Buffer.from([127, 0, 0, 1]));
  return [
    sequence(oid(oids.basicConstraints), critical, octets(sequence())),
    sequence(oid(oids.keyUsage), critical, octets(signing)),
    sequence(oid(oids.extendedKeyUsage), octets(sequence(oid(oids.serverAuth)))),
    sequence(oid(oids.subjectAltName), octets(sequence(...names, loopback))),
  ];
}

/** Tag, length, content (X.690). */
function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  return bytes < 0x100 ? Buffer.from([0x81, bytes]) : Buffer.from([0x82, bytes >> 8, bytes & 0xff]);
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts));
const set = (part: Buffer) => der(0x31, part);
const oid = (bytes: readonly number[]) => der(0x06, Buffer.from(bytes));
const octets = (content: Buffer) => der(0x04, content);
const bits = (content: Buffer) => der(0x03, Buffer.concat([Buffer.from([0]), content]));
const integer = (value: number) => der(0x02, Buffer.from([value]));

/** The first bit is the sign, and a leading byte of nothing but zeros would not be the shortest form. */
function positive(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

/** UTCTime until 2049, GeneralizedTime from then on. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return text < '2050' ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
