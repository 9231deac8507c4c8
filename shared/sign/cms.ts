import {
  CMSVersion,
  ContentInfo,
  DigestAlgorithmIdentifier,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  id_data,
  id_signedData,
  SignatureAlgorithmIdentifier,
  SignedData,
  SignerIdentifier,
  SignerInfo,
} from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { Certificate } from '@peculiar/asn1-x509';
import { derChildren, readDer } from './der.ts';
import { SigningRefused } from './signing-refused.ts';

export type SignatureAlgorithm = 'rsaEncryption' | 'ecdsa-with-SHA256';

const idSha256 = '2.16.840.1.101.3.4.2.1';
const signatureIds: Record<SignatureAlgorithm, { algorithm: string; parameters?: null }> = {
  // RFC 3370 wants the parameters NULL here, RFC 5758 wants none there; digests have none (RFC 5754).
  rsaEncryption: { algorithm: '1.2.840.113549.1.1.1', parameters: null },
  'ecdsa-with-SHA256': { algorithm: '1.2.840.10045.4.3.2' },
};

/** Whose certificate signs, as a signature names it. Throws `SigningRefused` when that name would come out as other bytes. */
export function readSigner(certificate: Buffer): IssuerAndSerialNumber {
  const { issuer, serialNumber } = AsnConvert.parse(certificate, Certificate).tbsCertificate;
  const signer = new IssuerAndSerialNumber({ issuer, serialNumber });
  // The kernel finds the key by comparing these bytes with those of the enrolled certificate.
  const written = derChildren(readDer(Buffer.from(AsnConvert.serialize(signer))));
  if (!written.every(({ bytes }) => certificate.includes(bytes)))
    throw new SigningRefused('CertificateUnreadable', 'its issuer or serial number is not written as DER asks for');
  return signer;
}

/**
 * The CMS that the kernel's sign-file writes, byte for byte: version 1, detached, no certificates, no signed attributes, so that
 * `signature` is over the content itself (RFC 5652).
 */
export function detachedSignedData(signer: IssuerAndSerialNumber, algorithm: SignatureAlgorithm, signature: Buffer) {
  const digestAlgorithm = new DigestAlgorithmIdentifier({ algorithm: idSha256 });
  const info = new SignerInfo({
    version: CMSVersion.v1,
    sid: new SignerIdentifier({ issuerAndSerialNumber: signer }),
    digestAlgorithm,
    signatureAlgorithm: new SignatureAlgorithmIdentifier(signatureIds[algorithm]),
    signature: new OctetString(signature),
  });
  const signedData = new SignedData({
    version: CMSVersion.v1,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: id_data }),
  });
  signedData.digestAlgorithms.push(digestAlgorithm);
  signedData.signerInfos.push(info);
  const content = AsnConvert.serialize(signedData);
  return Buffer.from(AsnConvert.serialize(new ContentInfo({ contentType: id_signedData, content })));
}
