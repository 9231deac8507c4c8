import type { Job } from '../kube/object.ts';
import { parseReference, pinnedReference } from '../registry/reference.ts';
import {
  type Container,
  environment,
  type Made,
  type Resources,
  type StepRequest,
  secretVolume,
  stepLabels,
  stepMetadata,
  unlessRefused,
  type Volume,
} from './step.ts';

export interface SignerSettings {
  /** Our image of hub and spoke: the program is `shared/sign/main.ts`. */
  signerImage: string;
  serviceAccountName: string;
  deadlineSeconds: number;
  resources: Resources;
  /** ConfigMap with a key `ca-bundle.crt`, in the namespace of the Job. */
  trustedCa?: string | undefined;
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
    const { settings, tolerations } = request;
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: stepMetadata('sign', request),
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: settings.deadlineSeconds,
        template: {
          metadata: { labels: stepLabels('sign', request) },
          spec: {
            restartPolicy: 'Never',
            serviceAccountName: settings.serviceAccountName,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            ...(tolerations?.length && { tolerations }),
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [signContainer(request)],
            volumes: volumesOf(request),
          },
        },
      },
    };
  });
}

function signContainer(request: SignRequest): Container {
  const { recipe, settings } = request;
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
      ...(recipe.imageRepoSecret ? [{ name: 'login', mountPath: `${secrets}/push`, readOnly: true }] : []),
      ...(settings.trustedCa ? [{ name: 'trusted-ca', mountPath: trustedCaFolder, readOnly: true }] : []),
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

function volumesOf({ recipe, settings }: SignRequest): Volume[] {
  const { sign, imageRepoSecret } = recipe;
  return [
    // Whole: it may hold a passphrase beside the key.
    secretVolume('key', sign?.keySecret ?? ''),
    secretVolume('cert', sign?.certSecret ?? '', ['cert']),
    { name: 'tmp', emptyDir: {} },
    ...(imageRepoSecret ? [secretVolume('login', imageRepoSecret, ['.dockerconfigjson'])] : []),
    ...(settings.trustedCa ? [{ name: 'trusted-ca', configMap: { name: settings.trustedCa, optional: true } }] : []),
  ];
}
