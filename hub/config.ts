import { z } from 'zod';
import { durationMsSchema, programConfigSchema } from '../shared/process/config.ts';

/**
 * The hub's configuration (facts, behaviour (m)). `registry`, `strictSecrets`, `statusInterval` and `writeConcurrency` are
 * ours; `job` and `webhook` are upstream's, taken so that its file can stay: this version builds nothing and serves no
 * webhook, and says so when they are set.
 */
export const hubConfigSchema = programConfigSchema.extend({
  job: z.strictObject({ gcDelay: durationMsSchema.optional() }).optional(),
  webhook: z
    .strictObject({ disableHTTP2: z.boolean().optional(), port: z.int().min(1).max(65_535).optional() })
    .optional(),
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

/** Settings that are valid and have no effect, to be told at start. */
export function unusedSettings(config: HubConfig): string[] {
  return (['job', 'webhook'] as const).filter((name) => config[name] !== undefined);
}
