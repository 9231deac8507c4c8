import { z } from 'zod';
import { programConfigSchema, programEnvironmentSchema } from '../shared/process/config.ts';

/** The spoke's configuration file (behaviour m): the keys that every program has. */
export const spokeConfigSchema = programConfigSchema;
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
