import type { ModprobeSpec } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { dirNameDefault } from './modprobe-arguments.ts';

/** All that determines what a loader pod does to the kernel; nothing else may be in here (contract 9). */
export interface Load {
  image: string;
  /** Without trailing `+`. */
  kernel: string;
  modprobe: ModprobeSpec;
  inTreeModulesToRemove: readonly string[];
}

/** 16 hexadecimal digits: the pod's annotation and the marker on the node carry it, and only its change replaces a pod. */
export function loadHash({ image, kernel, modprobe, inTreeModulesToRemove }: Load): string {
  const section = { ...modprobe, dirName: modprobe.dirName ?? dirNameDefault };
  return contentHash({ image, kernel, modprobe: section, inTreeModulesToRemove });
}
