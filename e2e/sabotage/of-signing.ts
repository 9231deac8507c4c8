import type { Breakage } from './breakages.ts';

const signature = { file: 'shared/sign/module-signature.ts', test: 'shared/sign/module-signature.test.ts' };
const pair = { file: 'shared/sign/key-pair.ts', test: 'shared/sign/key-pair.test.ts' };
const files = { test: 'shared/sign/ko-file.test.ts' };

export const signingBreakages: readonly Breakage[] = [
  {
    why: 'a signature that differs from the kernel’s own by two bytes',
    file: 'shared/sign/cms.ts',
    find: "rsaEncryption: { algorithm: '1.2.840.113549.1.1.1', parameters: null },",
    replace: "rsaEncryption: { algorithm: '1.2.840.113549.1.1.1' },",
    test: signature.test,
    title: 'is what the kernel reads',
  },
  {
    why: 'a module that was signed twice keeps one of the two',
    ...signature,
    find: 'for (let found = appended(content); found !== undefined; found = appended(content)) content = found.content;',
    replace: 'content = appended(content)?.content ?? content;',
    title: 'takes the place of every one',
  },
  {
    why: 'a program is signed as if it were a module',
    file: 'shared/sign/elf.ts',
    find: 'if (type !== typeRelocatable)',
    replace: 'if (type === 0)',
    test: signature.test,
    title: 'NotRelocatable',
  },
  {
    why: 'a certificate that has expired signs on',
    ...pair,
    find: 'if (nowMs <= to.getTime()) return null;',
    replace: 'if (to.getTime() > 0) return null;',
    title: 'CertificateExpired',
  },
  {
    why: 'a key signs under another key’s certificate',
    ...pair,
    find: 'if (certificate.checkPrivateKey(key)) return null;',
    replace: 'if (certificate.raw.length > 0) return null;',
    title: 'CertificateMismatch',
  },
  {
    why: 'equal modules become different files on another system',
    file: 'shared/sign/ko-file.ts',
    find: 'file.writeUInt8(gzipUnix, gzipSystemAt);',
    replace: 'file.writeUInt8(19, gzipSystemAt);',
    ...files,
    title: 'says nothing of when',
  },
  {
    why: 'one small file fills the memory of who unpacks it',
    file: 'shared/sign/xz.ts',
    find: "if (bytes > bytesMax) throw Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' });",
    replace: '',
    ...files,
    title: 'larger than a module can be',
  },
];
