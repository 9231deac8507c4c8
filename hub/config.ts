import { z } from 'zod';
import { buildsConfigSchema, makersConfigSchema } from '../shared/process/builds-config.ts';
import { durationMsSchema, programConfigSchema } from '../shared/process/config.ts';
import type { LenientConfig } from '../shared/process/lenient-config.ts';

/**
 * The hub's configuration (facts, behaviour (m)). `images`, `builds`, `registry`, `strictSecrets`, `statusInterval` and
 * `writeConcurrency` are ours.
 */
export const hubConfigSchema = programConfigSchema.extend({
  /** Upstream's programs share one configuration; this is the spokes'. */
  worker: z.looseObject({}).optional(),
  images: makersConfigSchema.prefault({}),
  builds: buildsConfigSchema.prefault({}),
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

/** Keys that are valid and have no effect on a hub. */
export const unusedHubKeys = ['worker'] as const;

/**
 * What is wrong in a ConfigMap falls back to a default, which must never be laxer than what its author may have meant:
 * unless `strictSecrets` is readable as `false`, whatever else is wrong may be it, misspelt (decision 15).
 */
export function strictUnlessAllowed({ config, said }: LenientConfig<HubConfig>): { config: HubConfig; told?: string } {
  const allowed = typeof said === 'object' && said !== null && 'strictSecrets' in said && said.strictSecrets === false;
  if (allowed || config.strictSecrets) return { config };
  const told =
    'strictSecrets: true holds, because the configuration has problems and does not say strictSecrets: false';
  return { config: { ...config, strictSecrets: true }, told };
}
