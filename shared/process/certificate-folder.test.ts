import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRuntime } from '../testing/runtime.ts';
import { type CertificatePair, folderCertificates } from './certificate-folder.ts';
import { selfSignedCertificate } from './self-signed.ts';

const pair = () => selfSignedCertificate({ name: 'x', hosts: [], nowMs: 0 });

describe('a folder of a certificate', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tls-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = ({ cert, key }: CertificatePair) => {
    writeFileSync(join(folder, 'tls.crt'), cert);
    writeFileSync(join(folder, 'tls.key'), key);
  };

  it('is refused in one line when it lacks a file, or the files do not belong together [140]', () => {
    const { clock, runtime } = testRuntime();
    const read = () => folderCertificates(folder, { clock, log: runtime.log });
    assert.throws(read, /metrics\.certDir: expected tls\.crt and tls\.key that belong together in .*ENOENT/);
    write({ cert: pair().cert, key: pair().key });
    assert.throws(read, /that belong together/);
    write({ cert: 'none', key: 'none' });
    assert.throws(read, /that belong together/);
  });

  it('is read again every minute: a renewed pair is used, a broken one told once and left [140]', async () => {
    const { clock, lines, runtime } = testRuntime();
    const first = pair();
    write(first);
    const certificates = folderCertificates(folder, { clock, log: runtime.log });
    assert.deepEqual(certificates.first, first);
    const renewed: CertificatePair[] = [];
    const stop = certificates.follow((each) => renewed.push(each));
    await clock.advance(180_000);
    assert.deepEqual([renewed, lines], [[], []]);
    const next = pair();
    write({ cert: next.cert, key: first.key });
    await clock.advance(180_000);
    assert.deepEqual(renewed, []);
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['the certificate of the metrics page cannot be renewed'],
    );
    write(next);
    await clock.advance(60_000);
    assert.deepEqual(renewed, [next]);
    stop();
    write(pair());
    await clock.advance(180_000);
    assert.deepEqual(renewed, [next]);
  });
});
