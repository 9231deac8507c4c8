import type { MakingSettings } from '../../shared/making/start.ts';
import type { HubConfig } from '../config.ts';

/** The account of deploy/hub that pods run as which make images: no role is bound to it. */
const serviceAccountName = 'kmm-operator-builder';
/** Upstream's default of `job.gcDelay`: a Job goes as soon as its image is verified. */
const keepFinishedMsDefault = 0;

/** What the configuration says of making images. */
export function makingSettings({ images, builds, job, strictSecrets }: HubConfig): MakingSettings {
  const deadlineSeconds = Math.ceil(builds.timeout / 1000);
  const common = { serviceAccountName, deadlineSeconds, trustedCa: builds.trustedCA };
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

function definedParts({ requests, limits }: HubConfig['builds']['resources']) {
  return { ...(requests && { requests }), ...(limits && { limits }) };
}
