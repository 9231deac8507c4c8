import { z } from 'zod';
import { programConfigSchema, programEnvironmentSchema } from '../shared/process/config.ts';

/** The kernel's own bound of `firmware_class.path`; what a pod's volume can be mounted from. */
const hostPathSchema = z
  .string()
  .max(255)
  .regex(
    /^(?:(?:\/(?!\.\.?(?:\/|$))[\w.+-]+)+)?$/,
    'expected an absolute path without a slash at its end, or "" for none',
  );

/** How loader and unload pods run (behaviour m). */
export const workerSchema = z.strictObject({
  runAsUser: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  seLinuxType: z
    .string()
    .regex(/^\w{1,128}$/, 'expected an SELinux type such as spc_t')
    .default('spc_t'),
  /** See `WorkerSettings`: said or not makes a difference. */
  firmwareHostPath: hostPathSchema.optional(),
});

/** The spoke's configuration (behaviour m). */
export const spokeConfigSchema = programConfigSchema.extend({ worker: workerSchema.prefault({}) });
export type SpokeConfig = z.infer<typeof spokeConfigSchema>;

export const spokeEnvironmentSchema = programEnvironmentSchema.extend({
  RELATED_IMAGE_WORKER: z.string('expected the image of our loader tools'),
  /** Whether this cluster belongs to a hub: read by `isManaged`, which never fails. */
  KMM_MANAGED: z.string().optional(),
});
export type SpokeEnvironment = z.infer<typeof spokeEnvironmentSchema>;

const truths = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const untruths = new Set(['', '0', 'f', 'F', 'FALSE', 'false', 'False']);

/** `KMM_MANAGED` as upstream reads it (behaviour f): anything but a Go bool is off, and `valid` says to log it. */
export function isManaged(text: string | undefined): { managed: boolean; valid: boolean } {
  const managed = truths.has(text ?? '');
  return { managed, valid: managed || untruths.has(text ?? '') };
}
