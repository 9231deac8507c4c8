import { z } from 'zod';
import { durationMsSchema, programConfigSchema } from '../shared/process/config.ts';

/** The hub's configuration (facts, behaviour (m)); `registry`, `statusInterval`, `writeConcurrency` are ours. */
export const hubConfigSchema = programConfigSchema.extend({
  /** How images are looked up. */
  registry: z
    .strictObject({
      /** PEM file of certificate authorities that are trusted beside the system's. */
      caFile: z.string().min(1).optional(),
      /** Requests to registries at the same time. */
      concurrency: z.int().min(1).max(64).default(8),
      timeout: durationMsSchema.prefault('30s'),
    })
    .prefault({}),
  /** Refuse Secrets that do not carry the label that says what they are for (contract 8). */
  strictSecrets: z.boolean().default(false),
  /** The status of a ManagedClusterModule is written at most once in so long. */
  statusInterval: durationMsSchema.prefault('1s'),
  /** ManifestWorks that are written at the same time. */
  writeConcurrency: z.int().min(1).max(64).default(8),
});
export type HubConfig = z.infer<typeof hubConfigSchema>;
