import { SigningRefused } from './signing-refused.ts';

/** What a module says of itself in its section `.modinfo`. */
export interface ModuleInfo {
  /** As the kernel spells it, `_` for `-`; kernels before 4.14 do not write it. */
  name: string | undefined;
  /** Whole, with what stands behind the kernel’s release; `undefined` only in what no kernel loads. */
  vermagic: string | undefined;
  depends: readonly string[];
}

interface Section {
  name: number;
  type: number;
  offset: number;
  size: number;
}

const elfMagic = Buffer.from('\x7fELF', 'latin1');
const typeRelocatable = 1;
/** `SHT_NOBITS`: takes no place in the file. */
const sectionWithoutBytes = 8;
const infoBytesMax = 4 * 1024 * 1024;

/** Throws `SigningRefused` unless `ko` is an ELF object file (ET_REL) with a `.modinfo`: all else no kernel loads. */
export function requireModule(ko: Buffer): void {
  moduleInfoSection(ko);
}

/** Reads `.modinfo`. Throws `SigningRefused` for what is no kernel module; never reads past the file's end. */
export function moduleInfo(ko: Buffer): ModuleInfo {
  const values = new Map<string, string>();
  for (const pair of moduleInfoSection(ko).toString('utf8').split('\0')) {
    const at = pair.indexOf('=');
    if (at > 0 && !values.has(pair.slice(0, at))) values.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return {
    name: values.get('name'),
    vermagic: values.get('vermagic'),
    depends: (values.get('depends') ?? '').split(',').filter((name) => name !== ''),
  };
}

function moduleInfoSection(ko: Buffer): Buffer {
  const sections = readSections(ko);
  const found = sections.find(({ name, section }) => name === '.modinfo' && section.type !== sectionWithoutBytes);
  if (found === undefined) throw refused('NotAModule', 'an ELF object without a section .modinfo');
  return bytesOf(ko, found.section).subarray(0, infoBytesMax);
}

/** The ELF header's fields that are read here, by the file's word size (System V ABI, chapter 4). */
const headerOf32 = { bytes: 52, sections: 32, sectionBytes: 46, sectionCount: 48, nameSection: 50, entryBytes: 40 };
const headerOf64 = { bytes: 64, sections: 40, sectionBytes: 58, sectionCount: 60, nameSection: 62, entryBytes: 64 };

function readSections(ko: Buffer): { name: string; section: Section }[] {
  if (!ko.subarray(0, elfMagic.length).equals(elfMagic)) throw refused('NotElf', `a file that begins ${begin(ko)}`);
  const is64 = ko[4] === 2;
  const at = is64 ? headerOf64 : headerOf32;
  const littleEndian = ko[5] === 1;
  if (ko.length < at.bytes || !(is64 || ko[4] === 1) || !(littleEndian || ko[5] === 2))
    throw refused('NotElf', 'a broken ELF header');
  const read = reader(ko, littleEndian);
  const type = read.half(16);
  if (type !== typeRelocatable)
    throw refused('NotRelocatable', `an ELF file of type ${type} (${typeNames[type] ?? '?'})`);
  const [start, count] = [is64 ? read.long(at.sections) : read.word(at.sections), read.half(at.sectionCount)];
  const entryBytes = read.half(at.sectionBytes);
  const index = read.half(at.nameSection);
  if (entryBytes !== at.entryBytes || index >= count || start + count * entryBytes > ko.length)
    throw refused('NotAModule', 'an ELF object with a broken section table');
  const sections = Array.from({ length: count }, (_, each) => readSection(read, start + each * entryBytes, is64));
  const names = bytesOf(ko, sections[index]!);
  return sections.map((section) => ({ name: textAt(names, section.name), section }));
}

const typeNames: Record<number, string> = { 2: 'a program', 3: 'a shared object or program', 4: 'a core dump' };

function readSection(read: Reader, at: number, is64: boolean): Section {
  const [name, type] = [read.word(at), read.word(at + 4)];
  if (is64) return { name, type, offset: read.long(at + 24), size: read.long(at + 32) };
  return { name, type, offset: read.word(at + 16), size: read.word(at + 20) };
}

function bytesOf(ko: Buffer, { offset, size }: Section): Buffer {
  if (offset + size > ko.length) throw refused('NotAModule', 'an ELF object that was cut off');
  return ko.subarray(offset, offset + size);
}

/** Only names as long as the one that is looked for matter. */
function textAt(names: Buffer, at: number): string {
  const text = names.subarray(at, at + 16);
  const end = text.indexOf(0);
  return text.toString('latin1', 0, end < 0 ? text.length : end);
}

type Reader = ReturnType<typeof reader>;

function reader(bytes: Buffer, littleEndian: boolean) {
  return {
    half: (at: number) => (littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    word: (at: number) => (littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)),
    // Beyond 2^53 a number loses digits, and is past any file's end all the same.
    long: (at: number) => Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)),
  };
}

function begin(ko: Buffer): string {
  return ko.length === 0 ? 'with nothing: it is empty' : `with the bytes ${ko.subarray(0, 4).toString('hex')}`;
}

function refused(reason: 'NotElf' | 'NotRelocatable' | 'NotAModule', got: string): SigningRefused {
  return new SigningRefused(
    reason,
    `expected a kernel module (an ELF object file with a section .modinfo), got ${got}`,
  );
}
