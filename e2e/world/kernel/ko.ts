import { moduleInfo } from '../../../shared/sign/elf.ts';
import { moduleSignature } from '../../../shared/sign/module-signature.ts';
import { SigningRefused } from '../../../shared/sign/signing-refused.ts';
import { elfModule } from '../../../shared/testing/elf-module.ts';
import { standInSignature } from './ko-signature.ts';
import { moduleName } from './module-name.ts';

/**
 * Stand-in kernel modules: the smallest ELF objects that carry what the modelled kernel looks at, laid out as a real `.ko`
 * (`.modinfo`, and a signature at the end), so that our programs read and sign both alike. They hold no code.
 */
export interface KoOptions {
  /** As in the file name; `-` and `_` are equal to the kernel. */
  name: string;
  /** Whole vermagic string; `vermagicOf(release)` makes the usual one. */
  vermagic: string;
  /** Modules whose symbols it needs. */
  depends?: readonly string[];
  /** Name of the key that signs it; unsigned without. */
  signedBy?: string;
  description?: string;
}

export interface KoInfo {
  name: string;
  vermagic: string;
  depends: readonly string[];
  /** The common name of whose key signed it; `undefined`: unsigned; `unknown`: signed, and it does not say by whom. */
  signedBy: string | undefined;
  description: string | undefined;
}

/** What the kernel searches for at the very end of a module (include/linux/module_signature.h). */
export const signatureMagic = '~Module signature appended~\n';
const signatureStructBytes = 12;

export function vermagicOf(release: string): string {
  return `${release} SMP preempt mod_unload modversions `;
}

export function koFile(options: KoOptions): Buffer {
  const { name, vermagic, depends = [], description, signedBy } = options;
  const body = elfModule({
    name: moduleName(name),
    vermagic,
    depends: depends.map(moduleName),
    description,
  });
  return signedBy === undefined ? body : appendSignature(body, standInSignature(signedBy));
}

/** `undefined` when the bytes are no module at all (the kernel says ENOEXEC). */
export function parseKo(bytes: Buffer): KoInfo | undefined {
  const info = unlessRefused(() => moduleInfo(bytes));
  if (info?.name === undefined || info.vermagic === undefined) return undefined;
  const description = /\0description=([^\0]*)\0/.exec(bytes.toString('utf8'))?.[1];
  return { name: info.name, vermagic: info.vermagic, depends: info.depends, signedBy: signerOf(bytes), description };
}

/** Bytes of a `modules.dep` as depmod writes it: per file its needs, nearest first. Keys are paths below the release's folder. */
export function modulesDep(files: ReadonlyMap<string, KoInfo>): string {
  const pathOf = new Map([...files].map(([path, info]) => [moduleName(info.name), path]));
  const needs = (info: KoInfo, seen: Set<string>): string[] => {
    for (const depend of info.depends.map(moduleName)) {
      const path = pathOf.get(depend);
      if (path === undefined || seen.has(path)) continue;
      seen.add(path);
      needs(files.get(path)!, seen);
    }
    return [...seen];
  };
  return [...files]
    .map(
      ([path, info]) =>
        `${path}:${needs(info, new Set())
          .map((need) => ` ${need}`)
          .join('')}\n`,
    )
    .join('');
}

function appendSignature(body: Buffer, signature: Buffer): Buffer {
  const trailer = Buffer.alloc(signatureStructBytes);
  trailer.writeUInt8(2, 2); // id_type PKEY_ID_PKCS7
  trailer.writeUInt32BE(signature.length, 8);
  return Buffer.concat([body, signature, trailer, Buffer.from(signatureMagic)]);
}

function signerOf(bytes: Buffer): string | undefined {
  if (bytes.toString('latin1', bytes.length - signatureMagic.length) !== signatureMagic) return undefined;
  const signer = unlessRefused(() => moduleSignature(bytes))?.signer;
  return signer !== undefined && 'commonName' in signer && signer.commonName !== '' ? signer.commonName : 'unknown';
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SigningRefused) return undefined;
    throw error;
  }
}
