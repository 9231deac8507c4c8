import { z } from 'zod';
import { isRecord } from '../shared/core/record.ts';
import { imagesConfig, strictUnlessAllowed } from '../shared/process/builds-config.ts';
import { programConfigSchema, programEnvironmentSchema } from '../shared/process/config.ts';
import type { LenientConfig } from '../shared/process/lenient-config.ts';
import type { WorkerSettings } from './settings.ts';

/** The kernel's own bound of `firmware_class.path`; what a pod's volume can be mounted from. */
const hostPathSchema = z
  .string()
  .max(255)
  .regex(
    /^(?:(?:\/(?!\.\.?(?:\/|$))[\w.+-]+)+)?$/,
    'expected an absolute path without a slash at its end, or "" for none',
  );

const workerKeys = z.strictObject({
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
  /** What `firmwareHostPath` was called before: upstream's pages still say so. The new name wins. */
  setFirmwareClassPath: hostPathSchema.optional(),
});

/** How loader and unload pods run (behaviour m). */
export const workerSchema = workerKeys.transform(
  ({ setFirmwareClassPath, firmwareHostPath = setFirmwareClassPath, ...rest }): WorkerSettings => ({
    ...rest,
    ...(firmwareHostPath !== undefined && { firmwareHostPath }),
  }),
);

/** The spoke's configuration (behaviour m); of what makes images there is nothing on most clusters. */
export const spokeConfigSchema = programConfigSchema.extend({ worker: workerSchema.prefault({}), ...imagesConfig });
export type SpokeConfig = z.infer<typeof spokeConfigSchema>;

/**
 * Where firmware goes is in the load hash of the Modules that ship some: were a slip to make it a default, all of them would
 * be reloaded, with firmware where the kernel does not look. So, unless it is readable, or nothing was said of it, no such Module
 * is loaded, what is loaded stays, and its status says `NoFirmwareHostPath` (decision 15).
 */
export function firmwareUnlessUnclear({ config, said }: LenientConfig<SpokeConfig>): {
  config: SpokeConfig;
  told?: string;
} {
  const { firmwareHostPath } = config.worker;
  if (firmwareHostPath !== undefined || saysNothingOfFirmware(said)) return { config };
  const told =
    'worker.firmwareHostPath cannot be read: Modules with firmware stay as they are until the configuration is right';
  return { config: { ...config, worker: { ...config.worker, firmwareHostPath: '' } }, told };
}

/** The last word on a ConfigMap with problems. */
export function failClosed(lenient: LenientConfig<SpokeConfig>): { config: SpokeConfig; told?: string } {
  const firmware = firmwareUnlessUnclear(lenient);
  const { config, told } = strictUnlessAllowed({ ...lenient, config: firmware.config });
  const all = [firmware.told, told].filter((each) => each !== undefined);
  return { config, ...(all.length > 0 && { told: all.join('; ') }) };
}

function saysNothingOfFirmware(said: unknown): boolean {
  if (!isRecord(said)) return false;
  if (!('worker' in said)) return true;
  return isRecord(said['worker']) && !Object.keys(said['worker']).some((key) => /firmware/i.test(key));
}

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
