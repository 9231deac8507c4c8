import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request as https } from 'node:https';
import { serveHttp } from './http.ts';
import { selfSignedCertificate } from './self-signed.ts';

const nowMs = Date.UTC(2026, 10, 25);
const make = (at = nowMs) =>
  selfSignedCertificate({ name: 'kmm-hub', hosts: ['pod-1', 'localhost', '10.0.0.7'], nowMs: at });

describe('a certificate that a program makes for itself', () => {
  it('is one as OpenSSL reads it: for these hosts, from an hour ago for ten years, signed by its own key [140]', () => {
    const certificate = new X509Certificate(make().cert);
    assert.equal(certificate.subject, 'CN=kmm-hub');
    assert.equal(certificate.subjectAltName, 'DNS:pod-1, DNS:localhost, IP Address:127.0.0.1');
    assert.equal(certificate.ca, false);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.equal(Date.parse(certificate.validFrom), nowMs - 3_600_000);
    assert.equal(new Date(certificate.validTo).getUTCFullYear(), 2036);
  });

  it('keeps to the two forms of dates, each on its side of 2050', () => {
    const late = new X509Certificate(make(Date.UTC(2049, 5, 1)).cert);
    assert.match(late.validFrom, /2049/);
    assert.match(late.validTo, /2059/);
  });

  it('is another one each time', () => {
    const [one, other] = [new X509Certificate(make().cert), new X509Certificate(make().cert)];
    assert.notEqual(one.serialNumber, other.serialNumber);
    assert.equal(one.verify(other.publicKey), false);
  });

  it('lets a client in that trusts exactly this one', async () => {
    const { cert, key } = selfSignedCertificate({ name: 'kmm-hub', hosts: ['localhost'], nowMs: Date.now() });
    const server = await serveHttp(
      { host: '127.0.0.1', port: 0 },
      { pages: { '/': () => ({ body: 'hello' }) }, tls: { cert, key } },
    );
    try {
      const status = await new Promise((resolve, reject) => {
        https(server.url, { ca: cert }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end();
      });
      assert.equal(status, 200);
    } finally {
      await server.close();
    }
  });
});
