/** Reasons of a Module's conditions, and of what is logged about it. */
export const reasons = {
  loaded: 'Loaded',
  pluginReady: 'DevicePluginReady',
  nothingToDo: 'NothingToDo',
  loading: 'Loading',
  replacing: 'Replacing',
  unloading: 'Unloading',
  loadFailed: 'LoadFailed',
  unloadFailed: 'UnloadFailed',
  pluginNotReady: 'DevicePluginNotReady',
  foreign: 'ForeignDaemonSet',
  writeFailed: 'WriteFailed',
  allMapped: 'AllMapped',
  unmapped: 'UnmappedKernels',
} as const;
