import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.ts';
import type { Say } from '../control-plane/go.ts';
import { withLock } from '../control-plane/lock.ts';
import { debianKernels } from '../debian/kernels.ts';
import { DebianCache } from '../debian/package-cache.ts';
import { PartsMissing } from '../debian/programs.ts';
import { kernelSignFile } from '../debian/sign-file.ts';
import { programsOrThrow } from '../debian/skip-loudly.ts';

const qemuProgram = 'qemu-system-x86_64';
const imageName = /^linux-image-(6\.1\.0-\d+-cloud-amd64)$/;

/** One kernel of Debian's, as unpacked packages. */
export interface KernelParts {
  /** What `uname -r` says there. */
  release: string;
  vmlinuz: string;
  /** Its own modules: the folder that is `/lib/modules/<release>` on a node. */
  modules: string;
  /** What builds a module for it: `make -C <headers> M=<folder>`. */
  headers: string;
}

/** All that a machine is made of. */
export interface Parts {
  qemu: string;
  /** Firmware that enforces Secure Boot, and its variables with the snakeoil key as PK, KEK and db. */
  firmware: { code: string; variables: string; key: string; certificate: string };
  /** Debian's first program, which Microsoft signed, and the firmware's variables with Microsoft's keys. */
  shim: { program: string; variables: string };
  sbsign: string;
  /** An EFI program that starts the kernel and initrd inside of itself. */
  stub: string;
  busybox: string;
  /** `kmod` is modprobe and depmod by the name it is called; its library is in `libraries`. */
  kmod: { program: string; libraries: string };
  /** The kernel's own signer. */
  signFile: string;
  /** Two kernels, the older one first. */
  kernels: readonly [KernelParts, KernelParts];
}

/**
 * Finds what is needed, in the cache first: what was fetched once stays, also when Debian has newer kernels. What is
 * missing is fetched by apt (70 MB, once). Throws `PartsMissing` where that cannot be had.
 */
export async function findParts(say: Say = (line) => void process.stderr.write(`vm: ${line}\n`)): Promise<Parts> {
  if (arch() !== 'x64') throw new PartsMissing(`expected an x86-64 machine (the kernels are), got ${arch()}`);
  const folder = cacheFolder('vm');
  const waiting = (holder: string) => say(`process ${holder} fetches packages: waiting for it`);
  return withLock(join(folder, '.lock'), waiting, () => collect(new DebianCache(folder, say)));
}

async function collect(cache: DebianCache): Promise<Parts> {
  const { pathOf } = await programsOrThrow([qemuProgram]);
  const ovmf = join(await cache.folderOf('ovmf'), 'usr/share');
  const libkmod = await cache.folderOf('libkmod2');
  const kept = cache.packages().flatMap((name) => imageName.exec(name)?.[1] ?? []);
  const [older, newer] = await debianKernels(kept);
  return {
    qemu: pathOf(qemuProgram),
    firmware: {
      code: join(ovmf, 'OVMF/OVMF_CODE_4M.secboot.fd'),
      variables: join(ovmf, 'OVMF/OVMF_VARS_4M.snakeoil.fd'),
      key: join(ovmf, 'ovmf/PkKek-1-snakeoil.key'),
      certificate: join(ovmf, 'ovmf/PkKek-1-snakeoil.pem'),
    },
    shim: {
      program: join(await cache.folderOf('shim-signed'), 'usr/lib/shim/shimx64.efi.signed'),
      variables: join(ovmf, 'OVMF/OVMF_VARS_4M.ms.fd'),
    },
    sbsign: join(await cache.folderOf('sbsigntool'), 'usr/bin/sbsign'),
    stub: join(await cache.folderOf('systemd-boot-efi'), 'usr/lib/systemd/boot/efi/linuxx64.efi.stub'),
    busybox: join(await cache.folderOf('busybox-static'), 'bin/busybox'),
    kmod: {
      program: join(await cache.folderOf('kmod'), 'bin/kmod'),
      libraries: join(libkmod, 'usr/lib/x86_64-linux-gnu'),
    },
    signFile: await kernelSignFile(cache),
    kernels: [await kernelParts(cache, older), await kernelParts(cache, newer)],
  };
}

async function kernelParts(cache: DebianCache, release: string): Promise<KernelParts> {
  const image = await cache.folderOf(`linux-image-${release}`);
  return {
    release,
    vmlinuz: join(image, `boot/vmlinuz-${release}`),
    modules: join(image, `lib/modules/${release}`),
    headers: await headersFolder(cache, release),
  };
}

/** Three packages that look for each other at places of an installed machine: they are told where they are. */
async function headersFolder(cache: DebianCache, release: string): Promise<string> {
  const common = release.replace(/cloud-amd64$/, 'common');
  const kbuild = join(await cache.folderOf('linux-kbuild-6.1'), 'usr/lib/linux-kbuild-6.1');
  const own = await cache.folderOf(`linux-headers-${release}`);
  const shared = await cache.folderOf(`linux-headers-${common}`);
  for (const folder of [own, shared]) {
    mkdirSync(join(folder, 'usr/lib'), { recursive: true });
    const link = join(folder, 'usr/lib/linux-kbuild-6.1');
    if (!existsSync(link)) symlinkSync(kbuild, link);
  }
  const headers = join(own, `usr/src/linux-headers-${release}`);
  const text = `include ${shared}/usr/src/linux-headers-${common}/Makefile\n`;
  const makefile = join(headers, 'Makefile');
  if (readFileSync(makefile, 'utf8') !== text) writeFileSync(makefile, text);
  return headers;
}
