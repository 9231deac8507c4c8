import { mkdtemp, rm, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { worldPlatform } from '../registry/oci-image.ts';
import { askArchive, downloadPackages, freshLists } from './package-cache.ts';
import { PartsMissing } from './programs.ts';
import { run } from './run.ts';

/** The cloud kernels are the smallest, and what a virtual machine boots fastest. */
export const flavour = `cloud-${worldPlatform.architecture}`;
const series = '6.1';

/**
 * Two releases of Debian 12's kernel, such as `6.1.0-47-cloud-amd64`: the oldest and the newest of `kept`, which the caller has
 * already, or else of those whose headers and image both can be had now. Which these are changes with every update; the
 * archive keeps no others. Throws `PartsMissing`.
 */
export async function debianKernels(kept: readonly string[] = []): Promise<readonly [older: string, newer: string]> {
  const here = endsOf(kept);
  if (here !== undefined) return here;
  const listed = await cloudKernels();
  const found = endsOf(listed);
  if (found !== undefined) return found;
  const got = listed.join(', ') || 'none';
  throw new PartsMissing(`expected two kernels ${series}.0-…-${flavour} in Debian's lists, got ${got}`);
}

function endsOf(releases: readonly string[]): readonly [string, string] | undefined {
  const [first, ...others] = [...new Set(releases)].sort((a, b) => abi(a) - abi(b));
  const last = others.at(-1);
  return first === undefined || last === undefined ? undefined : [first, last];
}

async function cloudKernels(): Promise<string[]> {
  const listed = await search();
  if (listed.length > 1) return listed;
  await freshLists();
  return search();
}

async function search(): Promise<string[]> {
  const pattern = `^linux-(headers|image)-${series.replace('.', '[.]')}[.]0-[0-9]+-${flavour}$`;
  const names = (await askArchive('apt-cache', ['search', '--names-only', pattern]))
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
  return names
    .filter((name) => name.startsWith('linux-headers-'))
    .map((name) => name.slice('linux-headers-'.length))
    .filter((release) => names.includes(`linux-image-${release}`));
}

/** The number by which Debian's releases of one series are told apart. */
export function abi(release: string): number {
  return Number(/-(\d+)-/.exec(release)?.[1]);
}

/** The version of a kernel's headers in Debian's lists: a security update keeps the release and changes the content. */
export async function headersVersion(release: string): Promise<string> {
  const shown = await askArchive('apt-cache', ['show', '--no-all-versions', `linux-headers-${release}`]);
  return /^Version: (.+)$/m.exec(shown)?.[1] ?? 'unknown';
}

/** Puts what building modules for a kernel takes beside a compiler into `root`, as a layer above a Debian. */
export async function unpackHeaders(release: string, root: string): Promise<void> {
  const common = release.replace(`-${flavour}`, '-common');
  await unpackPackages([`linux-headers-${release}`, `linux-headers-${common}`, `linux-kbuild-${series}`], root);
  await rm(join(root, 'usr/share/doc'), { recursive: true, force: true });
}

/** Downloads packages and unpacks their files only: nothing of them runs. */
async function unpackPackages(packages: readonly string[], root: string): Promise<void> {
  const downloads = await mkdtemp(join(tmpdir(), 'kmm-packages-'));
  // Debian's /lib is a link. A layer that had a folder of that name would put it in the link's place.
  await symlink('usr/lib', join(root, 'lib'));
  try {
    await downloadPackages(packages, downloads);
    const script =
      'for each in *.deb; do dpkg-deb --fsys-tarfile "$each" | tar -x --keep-directory-symlink -C "$0"; done';
    await run('bash', ['-euo', 'pipefail', '-c', `mkdir -p "$0/usr/lib"; ${script}`, root], { folder: downloads });
  } finally {
    await unlink(join(root, 'lib'));
    await rm(downloads, { recursive: true, force: true });
  }
}
