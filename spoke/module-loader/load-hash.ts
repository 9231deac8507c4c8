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
  /** Of the installation, and only when it concerns this load: who does not say it keeps the hashes that there are. */
  firmwareHostPath?: string | undefined;
}

/** 16 hexadecimal digits: the pod's annotation and the marker on the node carry it, and only its change replaces a pod. */
export function loadHash({ image, kernel, modprobe, inTreeModulesToRemove, firmwareHostPath }: Load): string {
  const section = withoutEmpty({ ...modprobe, dirName: modprobe.dirName ?? dirNameDefault });
  const place = firmwareHostPath === undefined ? {} : { firmwareHostPath };
  return contentHash({ image, kernel, modprobe: section, inTreeModulesToRemove, ...place });
}

/** An empty list says what no list says: to write one down must reload nothing. `rawArgs` counts by being there. */
function withoutEmpty({ rawArgs, ...section }: ModprobeSpec): object {
  const args = section.args && withoutEmptyMembers(section.args);
  return withoutEmptyMembers({ ...section, args, rawArgs });
}

function withoutEmptyMembers(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([key, value]) => key === 'rawArgs' || !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
