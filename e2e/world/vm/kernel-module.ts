import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../shared/core/clock.ts';
import { readSigningPair } from '../../../shared/sign/key-pair.ts';
import { signModule } from '../../../shared/sign/module-signature.ts';
import type { KernelParts, Parts } from './packages.ts';

const execute = promisify(execFile);

/** Builds kernel modules from C, one file each, together: one may use another's symbols. Returns the `.ko` files by name. */
export async function buildModules<Name extends string>(options: {
  kernel: KernelParts;
  /** Where it is built; its path must hold no white space. */
  folder: string;
  sources: Readonly<Record<Name, string>>;
}): Promise<Record<Name, Buffer>> {
  const { kernel, folder, sources } = options;
  const names = Object.keys(sources) as Name[];
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, `${name}.c`), sources[name]);
  writeFileSync(join(folder, 'Makefile'), `obj-m := ${names.map((name) => `${name}.o`).join(' ')}\n`);
  await execute('make', ['-C', kernel.headers, `M=${folder}`, 'modules']);
  const built = names.map((name) => [name, readFileSync(join(folder, `${name}.ko`))]);
  return Object.fromEntries(built) as Record<Name, Buffer>;
}

/** A key that signs modules, made for one test. */
export interface TestKey {
  key: string;
  certificate: string;
  /** As firmware takes it. */
  der: Buffer;
}

/** Makes an RSA key and its certificate with openssl; both are files of the folder. */
export async function makeKey(folder: string, name: string): Promise<TestKey> {
  const path = (kind: string) => join(folder, `${name}.${kind}`);
  const subject = ['-subj', `/CN=${name}`, '-days', '30'];
  const files = ['-keyout', path('key'), '-out', path('pem')];
  await execute('openssl', ['req', '-x509', '-new', '-nodes', '-newkey', 'rsa:2048', '-sha256', ...subject, ...files]);
  await execute('openssl', ['x509', '-in', path('pem'), '-outform', 'DER', '-out', path('der')]);
  return { key: path('key'), certificate: path('pem'), der: readFileSync(path('der')) };
}

/** Signs a module with our own signer. */
export function signed(ko: Buffer, { key, certificate }: TestKey): Buffer {
  const files = { key: readFileSync(key), certificate: readFileSync(certificate), nowMs: systemClock.now() };
  return signModule(ko, readSigningPair(files));
}

/** Signs a module with the kernel's own program. */
export async function signWithKernelsOwn(parts: Parts, ko: Buffer, { key, certificate }: TestKey): Promise<Buffer> {
  const path = `${key}.ko`;
  writeFileSync(path, ko);
  await execute(parts.signFile, ['sha256', key, certificate, path]);
  return readFileSync(path);
}
