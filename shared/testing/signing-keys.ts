import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export type KeyKind = { rsa: number } | { ec: string } | { other: 'ed25519' | 'rsa-pss' };

export interface SigningKeys {
  key: KeyObject;
  certificate: Buffer;
  certificatePem: string;
}

export interface CertificateOptions {
  notBefore?: string;
  notAfter?: string;
  serialNumber?: string;
  issuer?: string;
}

/** A new key and a certificate for it. No private key is ever in the tree. */
export async function makeSigningKeys(kind: KeyKind, options: CertificateOptions = {}): Promise<SigningKeys> {
  const { publicKey, privateKey } = keysOf(kind);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { key: privateKey, ...(await certificateFor(spki, options)) };
}

/** By an authority whose name is not the subject's, so that who mixes them up is seen. */
async function certificateFor(spki: Buffer, options: CertificateOptions) {
  const { notBefore = '2020-01-01', notAfter = '2030-01-01', serialNumber = '00f1c2', issuer } = options;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const authority = await webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    serialNumber,
    subject: 'CN=module signing key',
    issuer: issuer ?? 'O=Example, CN=authority of modules, E=modules@example.com',
    publicKey: new x509.PublicKey(spki),
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
  });
  return { certificate: Buffer.from(certificate.rawData), certificatePem: certificate.toString('pem') };
}

function keysOf(kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } {
  if ('rsa' in kind) return generateKeyPairSync('rsa', { modulusLength: kind.rsa });
  if ('ec' in kind) return generateKeyPairSync('ec', { namedCurve: kind.ec });
  if (kind.other === 'ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
}
