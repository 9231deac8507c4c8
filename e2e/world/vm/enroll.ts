import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../../shared/core/clock.ts';
import { tarOf } from '../registry/oci-image.ts';
import { firmwareKey } from './boot-image.ts';
import { db, guidBytes, signatureLists } from './firmware-variables.ts';
import type { Machine } from './machine.ts';
import type { Parts } from './packages.ts';
import { programWithLibraries } from './program-files.ts';

const execute = promisify(execFile);
/** Non-volatile, seen at boot and run time, written by a signed update with a time, and appended. */
const attributes = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
const certificateRevision = 0x0200;
const certificateOfGuid = 0x0ef1;
const pkcs7 = '4aafd29d-68df-49ee-8aa9-347d375665a7';
/** A CMS message without the envelope that says what it is: SEQUENCE, OID and [0], with lengths of two bytes. */
const envelopeLength = 19;

/**
 * Appends certificates (DER) to the firmware's db from within the running system, as an administrator does: the firmware
 * takes the update because it is signed with the key that is in KEK. The kernel reads db when it starts.
 */
export async function enrollFromWithin(options: {
  machine: Machine;
  parts: Parts;
  certificates: readonly Buffer[];
  /** For files of ours. */
  folder: string;
}): Promise<void> {
  const { machine, parts, certificates, folder } = options;
  const content = await signedUpdate(parts, signatureLists(certificates), mkdtempSync(join(folder, 'enroll-')));
  const { stdout } = await execute('sh', ['-c', 'command -v chattr']);
  const files = await programWithLibraries(stdout.trim(), '/usr/bin/chattr');
  await machine.unpack(await tarOf([...files, { path: '/tmp/update', content }]), '/');
  const variable = `/sys/firmware/efi/efivars/${db.name}-${db.vendor}`;
  // The kernel keeps whoever does not know what it is from writing it; the firmware takes it in one piece only.
  await machine.shell(
    `/usr/bin/chattr -i ${variable} && dd if=/tmp/update of=${variable} bs=${content.length} conv=notrunc`,
  );
}

/** What is written to the variable's file: attributes, and EFI_VARIABLE_AUTHENTICATION_2 (UEFI 8.2.2) before the data. */
async function signedUpdate(parts: Parts, data: Buffer, folder: string): Promise<Buffer> {
  const path = (name: string) => join(folder, name);
  const time = efiTime(new Date(systemClock.now()));
  const attributeBytes = Buffer.alloc(4);
  attributeBytes.writeUInt32LE(attributes);
  const name = Buffer.from(db.name, 'utf16le');
  writeFileSync(path('to-sign'), Buffer.concat([name, guidBytes(db.vendor), attributeBytes, time, data]));
  writeFileSync(path('key'), firmwareKey(parts), { mode: 0o600 });
  const signer = ['-signer', parts.firmware.certificate, '-inkey', path('key'), '-md', 'sha256'];
  const files = ['-in', path('to-sign'), '-outform', 'DER'];
  const { stdout: message } = await execute('openssl', ['cms', '-sign', '-binary', '-noattr', ...signer, ...files], {
    encoding: 'buffer',
  });
  assert(message[1] === 0x82 && message[envelopeLength - 4] === 0xa0, 'expected a CMS message of usual length');
  const signature = message.subarray(envelopeLength);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(header.length + 16 + signature.length, 0);
  header.writeUInt16LE(certificateRevision, 4);
  header.writeUInt16LE(certificateOfGuid, 6);
  return Buffer.concat([attributeBytes, time, header, guidBytes(pkcs7), signature, data]);
}

/** EFI_TIME; its fields that are not for this purpose are zero. */
function efiTime(at: Date): Buffer {
  const time = Buffer.alloc(16);
  time.writeUInt16LE(at.getUTCFullYear(), 0);
  const rest = [at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
  Buffer.from(rest).copy(time, 2);
  return time;
}
