import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { initrdOf } from './initrd.ts';
import type { KernelParts, Parts } from './packages.ts';

const execute = promisify(execFile);
/** Of the snakeoil key in Debian's ovmf. */
const snakeoilPassphrase = 'snakeoil';
/** `panic=-1`: a kernel that dies ends its machine. What it prints is in the machine's console file. */
export const commandLine = 'console=ttyS0 quiet panic=-1';
/** Where the firmware looks on a disk that it knows nothing of. */
const defaultProgram = 'EFI/BOOT/BOOTX64.EFI';
/** What Debian's shim starts. */
const shimsProgram = 'EFI/BOOT/grubx64.efi';
/** Where the parts stand in the program's memory: behind the stub, with 16 MB for the kernel. */
const addresses = { '.osrel': 0x2_0000, '.cmdline': 0x3_0000, '.linux': 0x200_0000, '.initrd': 0x300_0000 };

export interface BootOptions {
  parts: Parts;
  kernel: KernelParts;
  /** Files of the machine. */
  folder: string;
}

/** Writes the initrd of a kernel; returns its path. */
export function writeInitrd({ parts, kernel, folder }: BootOptions): string {
  const path = join(folder, 'initrd');
  writeFileSync(path, initrdOf(parts, kernel));
  return path;
}

/**
 * Makes an EFI system partition with one program, that holds kernel, initrd and command line and is signed with the key
 * that the firmware trusts; returns the folder, which QEMU shows as a disk. QEMU's own `-kernel` would not do: the firmware
 * starts a kernel that comes that way also when it refuses the signature.
 */
export async function writeBootPartition(options: BootOptions & { signed: boolean; byShim: boolean }): Promise<string> {
  const { parts, kernel, folder, signed, byShim } = options;
  const path = (name: string) => join(folder, name);
  writeFileSync(path('osrel'), 'ID=kmm\n');
  writeFileSync(path('cmdline'), `${commandLine}\0`);
  const content = {
    '.osrel': path('osrel'),
    '.cmdline': path('cmdline'),
    '.linux': kernel.vmlinuz,
    '.initrd': writeInitrd(options),
  };
  const sections = Object.entries(content).flatMap(([name, file]) => {
    const address = addresses[name as keyof typeof addresses];
    return ['--add-section', `${name}=${file}`, '--change-section-vma', `${name}=${address}`];
  });
  const unsigned = path('kernel.efi');
  await execute('objcopy', [...sections, parts.stub, unsigned]);
  const partition = path('partition');
  const program = join(partition, byShim ? shimsProgram : defaultProgram);
  mkdirSync(join(program, '..'), { recursive: true });
  if (byShim) copyFileSync(parts.shim.program, join(partition, defaultProgram));
  if (!signed) {
    copyFileSync(unsigned, program);
    return partition;
  }
  const { certificate } = parts.firmware;
  writeFileSync(path('firmware.key'), firmwareKey(parts));
  await execute(parts.sbsign, ['--key', path('firmware.key'), '--cert', certificate, '--output', program, unsigned]);
  return partition;
}

/** The key that the firmware trusts for programs and for its variables, in PEM: tools would ask a terminal for the pass phrase. */
export function firmwareKey({ firmware }: Parts): string {
  const key = createPrivateKey({ key: readFileSync(firmware.key), passphrase: snakeoilPassphrase });
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
