import { constants, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { oneLine } from '../core/one-line.ts';
import { detachedSignedData, readSigner, type SignatureAlgorithm } from './cms.ts';
import { isPem, pemBlock, readPrivateKey } from './private-key.ts';
import { SigningRefused } from './signing-refused.ts';

/** A key with its certificate, checked. It signs and hands nothing out but what is public. */
export interface SigningPair {
  /** The certificate's subject in one line, for logs. */
  subject: string;
  /** Hexadecimal, as `openssl x509 -serial` prints it. */
  serial: string;
  /** DER: what a node's firmware must have enrolled. */
  certificate: Buffer;
  /** Detached CMS over `content`. With RSA equal content gives equal bytes. */
  signedData(content: Buffer): Buffer;
}

export interface SigningFiles {
  /** PEM or DER; PKCS#8, PKCS#1 or SEC1; encrypted or not. */
  key: Buffer;
  /** PEM or DER. */
  certificate: Buffer;
  passphrase?: string | undefined;
  /** The time at which the certificate must be valid. */
  nowMs: number;
}

/** Reads and checks both files. Throws `SigningRefused`, before anything is signed, when a kernel would not take the result. */
export function readSigningPair(files: SigningFiles): SigningPair {
  const key = readPrivateKey(files.key, files.passphrase);
  const certificate = readCertificate(files.certificate);
  for (const check of checks) {
    const refused = check({ key, certificate, nowMs: files.nowMs });
    if (refused !== null) throw new SigningRefused(refused.reason, refused.message);
  }
  const signer = readSigner(certificate.raw);
  const isRsa = key.asymmetricKeyType === 'rsa';
  const algorithm: SignatureAlgorithm = isRsa ? 'rsaEncryption' : 'ecdsa-with-SHA256';
  const how = isRsa ? { key, padding: constants.RSA_PKCS1_PADDING } : { key, dsaEncoding: 'der' as const };
  return {
    subject: oneLine(certificate.subject.replaceAll('\n', ', ')),
    serial: certificate.serialNumber,
    certificate: certificate.raw,
    signedData: (content) => detachedSignedData(signer, algorithm, sign('sha256', content, how)),
  };
}

interface Given {
  key: KeyObject;
  certificate: X509Certificate;
  nowMs: number;
}

type Refusal = Pick<SigningRefused, 'reason' | 'message'>;
const refuse = (reason: Refusal['reason'], message: string): Refusal => ({ reason, message });

const curves = ['prime256v1', 'secp384r1'];
/** crypto/rsa.c takes these lengths, and shorter ones that are refused here. */
const rsaBits = [2048, 3072, 4096];

/** In this order; the first that refuses is told. */
const checks: readonly ((given: Given) => Refusal | null)[] = [
  function typeOfKey({ key }) {
    const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
    const curve = details?.namedCurve;
    if (type === 'rsa' || (type === 'ec' && curves.includes(curve ?? ''))) return null;
    const got = curve === undefined ? type : `${type} on ${curve}`;
    return refuse(
      'KeyTypeUnsupported',
      `kernels verify modules with RSA, or ECDSA on P-256 or P-384; the key is ${got}`,
    );
  },
  function lengthOfKey({ key }) {
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (bits === undefined || rsaBits.includes(bits)) return null;
    if (bits < 2048)
      return refuse(
        'KeyTooShort',
        `the RSA key has ${bits} bits, expected at least 2048: shorter keys can be broken, and kernels in FIPS mode refuse them`,
      );
    return refuse('KeyLengthUnsupported', `the RSA key has ${bits} bits; kernels verify with 2048, 3072 or 4096`);
  },
  function belongTogether({ key, certificate }) {
    if (certificate.checkPrivateKey(key)) return null;
    return refuse('CertificateMismatch', `the ${named(certificate)} belongs to another key than the one given`);
  },
  function begun({ certificate, nowMs }) {
    const from = certificate.validFromDate;
    if (nowMs >= from.getTime()) return null;
    return refuse('CertificateNotYetValid', `the ${named(certificate)} is valid from ${from.toISOString()} on`);
  },
  function notOver({ certificate, nowMs }) {
    const to = certificate.validToDate;
    if (nowMs <= to.getTime()) return null;
    return refuse('CertificateExpired', `the ${named(certificate)} expired at ${to.toISOString()}`);
  },
];

function named({ subject, serialNumber }: X509Certificate): string {
  return `certificate of ${oneLine(subject.replaceAll('\n', ', ')).slice(0, 200)} (serial number ${serialNumber})`;
}

function readCertificate(file: Buffer): X509Certificate {
  const block = pemBlock(file, 'CERTIFICATE');
  if (isPem(file) && block === undefined)
    throw new SigningRefused(
      'NoCertificate',
      'expected a certificate (PEM or DER), got PEM without a block "CERTIFICATE"',
    );
  try {
    return new X509Certificate(block?.text ?? file);
  } catch {
    throw new SigningRefused('CertificateUnreadable', 'expected a certificate (PEM or DER), got what is none');
  }
}
