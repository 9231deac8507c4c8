/** The zod schemas themselves: for whoever parses, generates or serves. A schema costs memory, its type does not. */
export * from './cluster-claim.ts';
export * from './core-types.ts';
export * from './device-plugin.ts';
export { bounds, type Rule } from './fields.ts';
export * from './image-source.ts';
export * from './managed-cluster.ts';
export * from './managed-cluster-module.ts';
export * from './managed-cluster-module-status.ts';
export * from './manifest-work.ts';
export * from './meta.ts';
export * from './modprobe.ts';
export * from './module.ts';
export * from './module-loader.ts';
export * from './rollout.ts';
export * from './volume.ts';
