/**
 * Stand-in kernel modules: files that carry what the modelled kernel looks at, laid out as in a real `.ko` where our programs
 * look too: `key=value` pairs separated by NUL (`modinfo`), and a signature at the end (`module_signature` and magic string).
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
  /** `undefined`: unsigned; `unknown`: signed, but not by `koFile`. */
  signedBy: string | undefined;
  description: string | undefined;
}

const elfMagic = Buffer.from('\x7fELF', 'latin1');
/** What the kernel searches for at the very end of a module (include/linux/module_signature.h). */
export const signatureMagic = '~Module signature appended~\n';
const signatureStructBytes = 12;

/** The kernel's own spelling of a module's name. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

export function vermagicOf(release: string): string {
  return `${release} SMP preempt mod_unload modversions `;
}

export function koFile(options: KoOptions): Buffer {
  const pairs = [
    `name=${moduleName(options.name)}`,
    `vermagic=${options.vermagic}`,
    `depends=${(options.depends ?? []).map(moduleName).join(',')}`,
    'license=GPL',
    ...(options.description === undefined ? [] : [`description=${options.description}`]),
  ];
  const body = Buffer.concat([elfMagic, Buffer.from(`\0${pairs.join('\0')}\0`)]);
  return options.signedBy === undefined ? body : appendSignature(body, Buffer.from(`signer=${options.signedBy}`));
}

/** `undefined` when the bytes are no module at all (the kernel says ENOEXEC). */
export function parseKo(bytes: Buffer): KoInfo | undefined {
  if (!bytes.subarray(0, elfMagic.length).equals(elfMagic)) return undefined;
  const signature = readSignature(bytes);
  const values = new Map<string, string>();
  for (const pair of bytes.toString('utf8').split('\0')) {
    const [, key, value] = /^([a-z]+)=(.*)$/s.exec(pair) ?? [];
    if (key !== undefined && value !== undefined && !values.has(key)) values.set(key, value);
  }
  const name = values.get('name');
  const vermagic = values.get('vermagic');
  if (name === undefined || vermagic === undefined) return undefined;
  return {
    name,
    vermagic,
    depends: (values.get('depends') ?? '').split(',').filter((depend) => depend !== ''),
    signedBy: signature === undefined ? undefined : (/^signer=(.+)$/s.exec(signature)?.[1] ?? 'unknown'),
    description: values.get('description'),
  };
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

function readSignature(bytes: Buffer): string | undefined {
  const end = bytes.length - signatureMagic.length;
  const start = end - signatureStructBytes;
  if (start < 0 || bytes.toString('latin1', end) !== signatureMagic) return undefined;
  const length = bytes.readUInt32BE(start + 8);
  return bytes.toString('utf8', Math.max(0, start - length), start);
}
