import { strict as assert } from 'node:assert';

/**
 * OVMF's variable file (NVRAM): a firmware volume with one store of authenticated variables, one after the other, each at a
 * multiple of four (edk2, MdeModulePkg/Include/Guid/VariableFormat.h). A change adds a variable and marks the old one as deleted.
 */
interface StoredVariable {
  offset: number;
  live: boolean;
  attributes: number;
  timestamp: Buffer;
  name: string;
  vendor: string;
  data: Buffer;
}

type NewVariable = Omit<StoredVariable, 'offset' | 'live'>;

export interface VariableName {
  name: string;
  vendor: string;
}

/** The certificates that firmware, kernel and (by way of the kernel's platform keyring) modules are trusted by. */
export const db: VariableName = { name: 'db', vendor: 'd719b2cb-3d3a-4596-a3bc-dad00e67656f' };

/** Keys of the machine's owner, which shim trusts; only what runs before the operating system may read or write it. */
const mokList: VariableName = { name: 'MokList', vendor: '605dab50-e046-4300-abb6-3dd810dd8b23' };
const beforeBootOnly = 0x01 | 0x02;

const x509List = 'a5c059a1-94e4-4aa7-87b5-ab155c2bf072';
/** Who put our certificates there: any GUID. */
const owner = '6b6d6d00-6875-4262-8d76-6d2d776f726c';
const authenticatedStore = 'aaf32c78-947b-439a-a180-2e144ec37792';
const volumeLengthOffset = 48;
const storeHeaderLength = 28;
const variableHeaderLength = 60;
const startMark = 0x55aa;
const stateAdded = 0x3f;
/** Cleared in the state of a variable that is deleted. */
const deletedBit = 0x02;

/** The data of a live variable; undefined: not there. */
export function variableOf(file: Buffer, { name, vendor }: VariableName): Buffer | undefined {
  return variablesOf(file).find((each) => each.live && each.name === name && each.vendor === vendor)?.data;
}

/** A copy of the file in which the certificates (DER) are in `db` beside those that were there. */
export function withEnrolled(file: Buffer, certificates: readonly Buffer[]): Buffer {
  return certificates.length === 0 ? file : appended(file, db, signatureLists(certificates));
}

/** A copy of the file with a MokList of these certificates (DER), as MokManager writes one that was confirmed at the console. */
export function withMokList(file: Buffer, certificates: readonly Buffer[]): Buffer {
  const data = signatureLists(certificates);
  return added(Buffer.from(file), { ...mokList, attributes: beforeBootOnly, timestamp: Buffer.alloc(16), data });
}

/** EFI_SIGNATURE_LISTs of one certificate each: what the variables `db`, `KEK` and `MokList` consist of. */
export function signatureLists(certificates: readonly Buffer[]): Buffer {
  return Buffer.concat(
    certificates.flatMap((certificate) => {
      const sizes = Buffer.alloc(12);
      sizes.writeUInt32LE(28 + 16 + certificate.length, 0);
      sizes.writeUInt32LE(16 + certificate.length, 8);
      return [guidBytes(x509List), sizes, guidBytes(owner), certificate];
    }),
  );
}

function appended(file: Buffer, wanted: VariableName, data: Buffer): Buffer {
  const all = variablesOf(file);
  const old = all.find((each) => each.live && each.name === wanted.name && each.vendor === wanted.vendor);
  assert(old, `expected a variable ${wanted.name} in the firmware's file`);
  const copy = Buffer.from(file);
  copy.writeUInt8(copy.readUInt8(old.offset + 2) & ~deletedBit, old.offset + 2);
  return added(copy, { ...old, data: Buffer.concat([old.data, data]) });
}

/** Writes into `file`. */
function added(file: Buffer, variable: NewVariable): Buffer {
  const bytes = bytesOf(variable);
  const { free, end } = storeOf(file);
  assert(free + bytes.length <= end, `expected room for ${bytes.length} bytes in the firmware's variables`);
  bytes.copy(file, free);
  return file;
}

function variablesOf(file: Buffer): StoredVariable[] {
  return storeOf(file).variables;
}

/** The variables, and where the next one goes. */
function storeOf(file: Buffer): { variables: StoredVariable[]; free: number; end: number } {
  const start = file.readUInt16LE(volumeLengthOffset);
  const kind = guidText(file.subarray(start, start + 16));
  assert.equal(kind, authenticatedStore, 'expected a store of authenticated variables');
  const end = start + file.readUInt32LE(start + 16);
  const variables: StoredVariable[] = [];
  let offset = start + storeHeaderLength;
  while (offset + variableHeaderLength <= end && file.readUInt16LE(offset) === startMark) {
    const nameLength = file.readUInt32LE(offset + 36);
    const dataLength = file.readUInt32LE(offset + 40);
    const nameStart = offset + variableHeaderLength;
    const dataStart = nameStart + nameLength;
    variables.push({
      offset,
      live: file.readUInt8(offset + 2) === stateAdded,
      attributes: file.readUInt32LE(offset + 4),
      timestamp: file.subarray(offset + 16, offset + 32),
      vendor: guidText(file.subarray(offset + 44, offset + 60)),
      name: file.toString('utf16le', nameStart, dataStart).replace(/\0$/, ''),
      data: file.subarray(dataStart, dataStart + dataLength),
    });
    offset = (dataStart + dataLength + 3) & ~3;
  }
  return { variables, free: offset, end };
}

function bytesOf({ attributes, timestamp, name, vendor, data }: NewVariable): Buffer {
  const nameBytes = Buffer.from(`${name}\0`, 'utf16le');
  const header = Buffer.alloc(variableHeaderLength);
  header.writeUInt16LE(startMark, 0);
  header.writeUInt8(stateAdded, 2);
  header.writeUInt32LE(attributes, 4);
  timestamp.copy(header, 16);
  header.writeUInt32LE(nameBytes.length, 36);
  header.writeUInt32LE(data.length, 40);
  guidBytes(vendor).copy(header, 44);
  return Buffer.concat([header, nameBytes, data]);
}

/** The first three parts of a GUID are little-endian numbers, the rest are bytes. */
export function guidBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function guidText(bytes: Buffer): string {
  const copy = Buffer.from(bytes);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  return copy.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
