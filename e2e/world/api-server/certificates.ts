import { randomBytes, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface ServerIdentity {
  caPem: string;
  certificatePem: string;
  keyPem: string;
}

/** Whom a certificate is for: `names` are what a server is reached by, `groups` what Kubernetes reads of a client. */
export interface Subject {
  name: string;
  groups?: readonly string[];
  usage: 'server' | 'client';
}

export interface Certificate {
  certificatePem: string;
  keyPem: string;
}

export interface Authority {
  caPem: string;
  keyPem: string;
  issue(subject: Subject): Promise<Certificate>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
// TLS compares with the machine's own time, which a world's clock may be far from: so the certificates always hold.
const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2099-12-31T00:00:00Z') };

/** A new authority, and a server certificate of it for loopback. `name` shows in the subjects only. */
export async function makeServerIdentity(name: string): Promise<ServerIdentity> {
  const authority = await makeAuthority(name);
  const certificate = await authority.issue({ name, usage: 'server' });
  return { caPem: authority.caPem, ...certificate };
}

/** A new authority that signs certificates for servers on loopback and for clients. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await makeKeys();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: `CN=${name} authority`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });

  async function issue({ name: commonName, groups = [], usage }: Subject): Promise<Certificate> {
    const issued = await makeKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity,
      // The first bit clear: a serial number is positive.
      serialNumber: `01${randomBytes(8).toString('hex')}`,
      // As values, not as one text: names of Kubernetes' users have colons, and may have commas.
      subject: new x509.Name([{ CN: [commonName] }, ...groups.map((group) => ({ O: [group] }))]).toString(),
      issuer: own.subject,
      publicKey: issued.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        ...(usage === 'server' ? serverExtensions() : clientExtensions()),
      ],
    });
    return { certificatePem: certificate.toString('pem'), keyPem: await privatePem(issued.privateKey) };
  }

  return { caPem: own.toString('pem'), keyPem: await privatePem(keys.privateKey), issue };
}

function serverExtensions(): x509.Extension[] {
  return [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ]),
  ];
}

function clientExtensions(): x509.Extension[] {
  return [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])];
}

function makeKeys() {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
