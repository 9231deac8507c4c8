import { z } from 'zod';
import { isRecord } from '../core/record.ts';
import { durationMsSchema } from './config.ts';
import type { LenientConfig } from './lenient-config.ts';

/** As in a container: `{requests: {cpu: 500m}, limits: {memory: 4Gi}}`. */
const resourcesSchema = z.strictObject({
  requests: z.record(z.string().min(1), z.string().min(1)).optional(),
  limits: z.record(z.string().min(1), z.string().min(1)).optional(),
});

const imageSchema = z.string().min(1).max(1024);

/** Images of the pods that make images. Neither has a default: what runs with a login or a key is chosen, not assumed. */
const makersConfigSchema = z.strictObject({
  /** Has buildah. */
  builder: imageSchema.optional(),
  /** That of hub and spoke. */
  signer: imageSchema.optional(),
});

/** Less is no time to pull an image in. */
const timeoutMsMin = 10_000;
const timeoutMsMax = 24 * 60 * 60 * 1000;

/** How images are made (docs/guides/building.md). */
export const buildsConfigSchema = z.strictObject({
  /** Jobs and Builds at the same time: what claims of clusters can start (contract 7). */
  concurrency: z.int().min(1).max(64).default(4),
  timeout: durationMsSchema
    .refine((ms) => ms >= timeoutMsMin && ms <= timeoutMsMax, 'expected 10s to 24h')
    .prefault('1h'),
  privileges: z.enum(['UserNamespace', 'Privileged']).default('UserNamespace'),
  /** ConfigMap with a key `ca-bundle.crt`. */
  trustedCA: z.string().min(1).max(253).optional(),
  /** A compiler takes what it gets; two builds of kernel modules fit into 4Gi with room for base images' layers. */
  resources: resourcesSchema.default({ requests: { cpu: '500m', memory: '512Mi' }, limits: { memory: '4Gi' } }),
  /** The signer streams: an image of 1 GB takes it less than 200 MB. */
  signResources: resourcesSchema.default({ requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } }),
});
export type BuildsConfig = z.infer<typeof buildsConfigSchema>;

/** What every program is told that makes images, or looks them up. */
export const imagesConfig = {
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
};
const imagesConfigSchema = z.object(imagesConfig);
export type ImagesConfig = z.infer<typeof imagesConfigSchema>;

/**
 * What is wrong in a ConfigMap falls back to a default, which must never be laxer than what its author may have meant:
 * unless `strictSecrets` is readable as `false`, whatever else is wrong may be it, misspelt (decision 15).
 */
export function strictUnlessAllowed<C extends Pick<ImagesConfig, 'strictSecrets'>>({
  config,
  said,
}: LenientConfig<C>): { config: C; told?: string } {
  const allowed = isRecord(said) && said['strictSecrets'] === false;
  if (allowed || config.strictSecrets) return { config };
  const told =
    'strictSecrets: true holds, because the configuration has problems and does not say strictSecrets: false';
  return { config: { ...config, strictSecrets: true }, told };
}
