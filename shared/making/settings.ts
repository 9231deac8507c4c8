import type { BuilderPrivileges } from '../build/build-job.ts';
import type { MakingSettings } from './start.ts';

/** The account that pods run as which make images, in the namespace of their Jobs: no role is bound to it. */
export const builderAccount = 'kmm-operator-builder';
/** Upstream's default of `job.gcDelay`: a Job goes as soon as its image is verified. */
const keepFinishedMsDefault = 0;

interface Resources {
  requests?: Record<string, string> | undefined;
  limits?: Record<string, string> | undefined;
}

/** What a program's configuration says of making images (`shared/process/builds-config.ts`). */
export interface MakingConfig {
  images: { builder?: string | undefined; signer?: string | undefined };
  builds: {
    concurrency: number;
    timeout: number;
    privileges: BuilderPrivileges;
    trustedCA?: string | undefined;
    resources: Resources;
    signResources: Resources;
  };
  job?: { gcDelay?: number | undefined } | undefined;
  strictSecrets: boolean;
}

export function makingSettings({ images, builds, job, strictSecrets }: MakingConfig): MakingSettings {
  const deadlineSeconds = Math.ceil(builds.timeout / 1000);
  const common = { serviceAccountName: builderAccount, deadlineSeconds, trustedCa: builds.trustedCA };
  return {
    builder: {
      ...common,
      builderImage: images.builder,
      privileges: builds.privileges,
      resources: definedParts(builds.resources),
    },
    signer: { ...common, signerImage: images.signer, resources: definedParts(builds.signResources) },
    strictSecrets,
    concurrency: builds.concurrency,
    keepFinishedMs: job?.gcDelay ?? keepFinishedMsDefault,
  };
}

function definedParts({ requests, limits }: Resources) {
  return { ...(requests && { requests }), ...(limits && { limits }) };
}
