import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpioArchive } from './cpio.ts';
import type { KernelParts, Parts } from './packages.ts';

const agent = fileURLToPath(new URL('agent.sh', import.meta.url));
/** The agent's line, the disk that images come by, and the firmware's variables. */
const wanted = ['virtio_pci', 'virtio_console', 'virtio_blk', 'efivarfs'];

/** The initial ram disk of a kernel: busybox, the agent, and the kernel's own modules that the agent needs, in loading order. */
export function initrdOf(parts: Parts, kernel: KernelParts): Buffer {
  const modules = inLoadingOrder(join(kernel.modules, 'kernel'), wanted);
  return cpioArchive([
    { path: 'init', content: readFileSync(agent), mode: 0o755 },
    { path: 'bin/busybox', content: readFileSync(parts.busybox), mode: 0o755 },
    ...modules.map((content, index) => ({
      path: `boot/${String(index).padStart(2, '0')}.ko`,
      content,
      mode: 0o644,
    })),
  ]);
}

/** Debian's package has no `modules.dep` (its installation makes one), but each module says whom it needs. */
function inLoadingOrder(folder: string, names: readonly string[]): Buffer[] {
  const files = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [basename(path, '.ko').replaceAll('-', '_'), join(folder, path)]),
  );
  const found = new Map<string, Buffer>();
  const add = (name: string) => {
    const path = files.get(name);
    // A part of the kernel itself.
    if (path === undefined || found.has(name)) return;
    const content = readFileSync(path);
    for (const needed of dependsOf(content)) add(needed);
    found.set(name, content);
  };
  for (const name of names) add(name);
  return [...found.values()];
}

function dependsOf(ko: Buffer): string[] {
  const start = ko.indexOf('\0depends=');
  if (start === -1) return [];
  const from = start + '\0depends='.length;
  return ko
    .toString('latin1', from, ko.indexOf(0, from))
    .split(',')
    .filter((name) => name !== '');
}
