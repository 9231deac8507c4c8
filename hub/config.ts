import { z } from 'zod';
import { imagesConfig } from '../shared/process/builds-config.ts';
import { durationMsSchema, programConfigSchema } from '../shared/process/config.ts';

/**
 * The hub's configuration (facts, behaviour (m)). `images`, `builds`, `registry`, `strictSecrets`, `statusInterval`,
 * `writeConcurrency` and `writesPerSecond` are ours.
 */
export const hubConfigSchema = programConfigSchema.extend({
  /** Upstream's programs share one configuration; this is the spokes'. */
  worker: z.looseObject({}).optional(),
  ...imagesConfig,
  /** The status of a ManagedClusterModule is written at most once in so long. */
  statusInterval: durationMsSchema.prefault('1s'),
  /** ManifestWorks that are written at the same time. */
  writeConcurrency: z.int().min(1).max(64).default(8),
  /** The most writes a second; more than the API server of the bench took (docs/operations/scale.md). */
  writesPerSecond: z.int().min(1).max(100_000).default(1000),
});
export type HubConfig = z.infer<typeof hubConfigSchema>;

/** Keys that are valid and have no effect on a hub. */
export const unusedHubKeys = ['worker'] as const;
