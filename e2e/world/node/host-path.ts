import type { Stats } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { placeInside } from './rootfs.ts';

/** A volume cannot be set up: the pod stays in ContainerCreating, an event says this. */
export class MountError extends Error {
  override name = 'MountError';
}

const checks: Record<string, { what: string; holds: (file: Stats) => boolean }> = {
  Directory: { what: 'directory', holds: (file) => file.isDirectory() },
  DirectoryOrCreate: { what: 'directory', holds: (file) => file.isDirectory() },
  File: { what: 'file', holds: (file) => file.isFile() },
  FileOrCreate: { what: 'file', holds: (file) => file.isFile() },
  Socket: { what: 'socket file', holds: (file) => file.isSocket() },
  CharDevice: { what: 'character device', holds: (file) => file.isCharacterDevice() },
  BlockDevice: { what: 'block device', holds: (file) => file.isBlockDevice() },
};

/** The place of a hostPath volume under the node's root folder, checked or made as its type says. */
export async function hostPathPlace(hostRoot: string, path: string, type = ''): Promise<string> {
  const place = await placeInside(hostRoot, path, { parents: type.endsWith('OrCreate') || type === '' });
  const present = await statOf(place);
  if (present === undefined) {
    // Without a type kubelet checks nothing, and the runtime makes a missing folder.
    if (type === 'DirectoryOrCreate' || type === '') await mkdir(place, { recursive: true });
    else if (type === 'FileOrCreate') await writeFile(place, '');
    else throw checkFailed(path, type);
  } else if (checks[type] !== undefined && !checks[type].holds(present)) throw checkFailed(path, type);
  return place;
}

function checkFailed(path: string, type: string): MountError {
  const what = checks[type]?.what ?? 'supported type';
  return new MountError(`hostPath type check failed: ${posix.normalize(path)} is not a ${what}`);
}

async function statOf(place: string): Promise<Stats | undefined> {
  try {
    return await stat(place);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
