import { chmod, cp, lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { ContainerSpec } from './environment.ts';
import { MountError } from './host-path.ts';
import { placeInside } from './rootfs.ts';

export interface MountOptions {
  readonly rootfs: string;
  /** A folder of this container instance, for files that it alone sees. */
  readonly folder: string;
  readonly container: ContainerSpec;
  /** Where each volume is (`setUpVolumes`). */
  readonly volumes: ReadonlyMap<string, string>;
  /** Names of volumes that live on the node's disk: their files are never made read-only. */
  readonly hostVolumes: ReadonlySet<string>;
}

/**
 * Puts the container's volumes into its root folder as symbolic links: there are no mounts without root. A subPath of a
 * volume that kubelet writes is a copy, which (as in a real pod) stays what it was when the container started. The files
 * of a read-only mount lose their write permission, which binds all but root.
 */
export async function placeMounts(options: MountOptions): Promise<void> {
  const { container, rootfs, volumes } = options;
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length);
  const placed: { path: string; source: string }[] = [{ path: '', source: rootfs }];
  for (const mount of mounts) {
    const volume = volumes.get(mount.name);
    if (volume === undefined) throw new MountError(`no volume ${mount.name} for mount ${mount.mountPath}`);
    const source = mount.subPath ? await subPathSource(options, volume, mount) : volume;
    if (!options.hostVolumes.has(mount.name)) await setWritable(source, mount.readOnly !== true);
    // A mount inside another one lies in that one's volume.
    const outer = placed.findLast(({ path }) => mount.mountPath.startsWith(`${path}/`));
    await placeLink(outer?.source ?? rootfs, mount.mountPath.slice(outer?.path.length ?? 0), source);
    placed.push({ path: posix.normalize(mount.mountPath).replace(/\/$/, ''), source });
  }
}

/** A link at `path` of the container to `source` on this machine; what the image has there is hidden. */
export async function placeLink(rootfs: string, path: string, source: string): Promise<void> {
  const place = await placeInside(rootfs, path, { parents: true });
  await rm(place, { recursive: true, force: true });
  await symlink(source, place);
}

async function subPathSource(
  { folder, hostVolumes }: MountOptions,
  volume: string,
  mount: { name: string; mountPath: string; subPath?: string },
): Promise<string> {
  const source = await placeInside(volume, mount.subPath ?? '');
  const kind = await lstat(source).catch(absent);
  if (kind?.isFile() && !hostVolumes.has(mount.name)) {
    const copy = `${folder}/subpath-${mount.mountPath.replaceAll('/', '_')}`;
    await cp(source, copy);
    return copy;
  }
  // kubelet makes a missing subPath as a folder.
  if (kind === undefined) await mkdir(source, { recursive: true });
  return source;
}

async function setWritable(place: string, writable: boolean): Promise<void> {
  const kind = await lstat(place).catch(absent);
  if (kind?.isDirectory()) {
    for (const name of await readdir(place)) await setWritable(posix.join(place, name), writable);
  } else if (kind?.isFile()) {
    await chmod(place, writable ? kind.mode | 0o200 : kind.mode & 0o7555);
  }
}

/** The file that the container's termination message is read from: new for each instance. */
export async function placeTerminationLog(rootfs: string, folder: string, path: string): Promise<string> {
  const file = `${folder}/termination-log`;
  await writeFile(file, '');
  await placeLink(rootfs, path, file);
  return file;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
