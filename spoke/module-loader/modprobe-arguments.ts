import type { ModprobeSpec } from '@open-cluster-management/api-types';

/** The CRD's default; repeated for a Module that was stored before it had one. */
export const dirNameDefault = '/opt';

/** modprobe's complete argument list for loading: `rawArgs.load` as it is, else `-v -d <dir> <args> <module> <parameters>`. */
export function loadArguments(modprobe: ModprobeSpec): string[] {
  if (modprobe.rawArgs?.load !== undefined) return [...modprobe.rawArgs.load];
  return [
    '-v',
    '-d',
    modprobe.dirName ?? dirNameDefault,
    ...(modprobe.args?.load ?? []),
    ...named(modprobe.moduleName),
    ...(modprobe.parameters ?? []),
  ];
}

/** The same for unloading; a loading order is unloaded as a whole, topmost first, in one call. */
export function unloadArguments(modprobe: ModprobeSpec): string[] {
  if (modprobe.rawArgs?.unload !== undefined) return [...modprobe.rawArgs.unload];
  return [
    '-rv',
    '-d',
    modprobe.dirName ?? dirNameDefault,
    ...(modprobe.args?.unload ?? []),
    ...(modprobe.modulesLoadingOrder?.length ? modprobe.modulesLoadingOrder : named(modprobe.moduleName)),
  ];
}

function named(moduleName: string | undefined): string[] {
  return moduleName ? [moduleName] : [];
}
