import type { Job } from '../kube/object.ts';
import { parseReference, pinnedReference } from '../registry/reference.ts';
import {
  type Container,
  environment,
  type Made,
  type StepRequest,
  type StepSettings,
  secretVolume,
  sharedMounts,
  stepJob,
  unlessRefused,
  type Volume,
} from './step.ts';

export interface SignerSettings extends StepSettings {
  /** Our image of hub and spoke: the program is `shared/sign/main.ts`. */
  signerImage: string;
}

export interface SignRequest extends StepRequest {
  settings: SignerSettings;
  /** Of the unsigned image as it was judged: a tag that moves meanwhile brings nothing else under the key. */
  unsignedDigest?: string | undefined;
}

const secrets = '/run/secrets';
const trustedCaFolder = `${secrets}/ca`;

/**
 * The Job that signs an image: the only pod that mounts the key. It needs no privileges, no token and no container tools:
 * Pod Security level *restricted*.
 */
export function signJob(request: SignRequest): Made<Job> {
  return unlessRefused('sign', request, () => {
    const shared = sharedMounts(request, { login: `${secrets}/push`, trustedCa: trustedCaFolder });
    return stepJob('sign', request, {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [signContainer(request, shared.mounts)],
      volumes: [...volumesOf(request), ...shared.volumes],
    });
  });
}

function signContainer(request: SignRequest, shared: NonNullable<Container['volumeMounts']>): Container {
  const { settings } = request;
  return {
    name: 'sign',
    image: settings.signerImage,
    command: ['node', 'shared/sign/main.ts'],
    env: environment(variablesOf(request)),
    resources: settings.resources,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'key', mountPath: `${secrets}/key`, readOnly: true },
      { name: 'cert', mountPath: `${secrets}/cert`, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      ...shared,
    ],
  };
}

function variablesOf(request: SignRequest): Record<string, string> {
  const { recipe, settings, secrets: facts, unsignedDigest } = request;
  const { sign, registryTLS } = recipe;
  const unsignedTls = sign?.unsignedImageRegistryTLS ?? registryTLS;
  return {
    KMM_UNSIGNED_IMAGE: pinned(sign?.unsignedImage ?? '', unsignedDigest),
    KMM_SIGNED_IMAGE: recipe.image,
    KMM_FILES_TO_SIGN: JSON.stringify(sign?.filesToSign ?? []),
    KMM_DIR_NAME: recipe.dirName,
    KMM_KERNEL: recipe.kernel,
    KMM_UNSIGNED_TLS: JSON.stringify(unsignedTls),
    KMM_SIGNED_TLS: JSON.stringify(registryTLS),
    KMM_INSECURE_LOGINS: String(facts.get(recipe.imageRepoSecret ?? '')?.insecureAllowed ?? false),
    ...(settings.trustedCa && { KMM_CA_FILE: `${trustedCaFolder}/ca-bundle.crt` }),
  };
}

function pinned(image: string, digest: string | undefined): string {
  const parsed = parseReference(image);
  return digest === undefined || parsed.kind === 'invalid' ? image : pinnedReference(parsed.reference, digest);
}

function volumesOf({ recipe: { sign } }: SignRequest): Volume[] {
  return [
    // Whole: it may hold a passphrase beside the key.
    secretVolume('key', sign?.keySecret ?? ''),
    secretVolume('cert', sign?.certSecret ?? '', ['cert']),
    { name: 'tmp', emptyDir: {} },
  ];
}
