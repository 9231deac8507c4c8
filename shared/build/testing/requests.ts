import type { ImageRecipe } from '../../images/recipe.ts';
import { labels } from '../../kube/names.ts';
import type { BuildRequest } from '../build-job.ts';
import type { OpenShiftBuildRequest } from '../openshift-build.ts';
import type { SecretFacts } from '../secret-limits.ts';
import type { SignRequest } from '../sign-job.ts';
import type { StepRequest } from '../step.ts';

/** Requests as a hub makes them, with what a test changes. */
export const verified = { insecure: false, insecureSkipTLSVerify: false };
const temporary = 'r.example/kmod:6.1.0-openshift-kmm-hub_driver_kmm_unsigned';

export function buildRecipe(overrides: Partial<ImageRecipe> = {}): ImageRecipe {
  return {
    image: 'r.example/kmod:6.1.0',
    registryTLS: verified,
    imageRepoSecret: 'registry',
    kernel: '6.1.0-13.el9.x86_64',
    architecture: 'amd64',
    dirName: '/opt',
    moduleName: 'driver',
    build: {
      image: temporary,
      dockerfileConfigMap: 'dockerfile',
      args: [{ name: 'KERNEL_VERSION', value: '6.1.0-13.el9.x86_64' }],
      secrets: ['token', 'pull.cache'],
      baseImageRegistryTLS: verified,
    },
    sign: {
      keySecret: 'signing-key',
      certSecret: 'signing-cert',
      filesToSign: ['/opt/lib/modules/*/driver.ko'],
      unsignedImage: temporary,
      unsignedImageRegistryTLS: verified,
    },
    ...overrides,
  };
}

export function secretFacts(use: string | undefined, overrides: Partial<SecretFacts> = {}): SecretFacts {
  return { uid: 'u', resourceVersion: '1', insecureAllowed: false, ...(use !== undefined && { use }), ...overrides };
}

export function labelledSecrets(): Map<string, SecretFacts> {
  return new Map([
    ['registry', secretFacts('pull')],
    ['token', secretFacts('build')],
    ['pull.cache', secretFacts('build')],
    ['signing-key', secretFacts('sign')],
    ['signing-cert', secretFacts('sign')],
  ]);
}

export function stepRequest(overrides: Partial<StepRequest> = {}): StepRequest {
  return {
    recipe: buildRecipe(),
    module: { name: 'driver', label: labels.managedClusterModule },
    namespace: 'openshift-kmm-hub',
    owner: { apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1', kind: 'ManagedClusterModule', name: 'driver', uid: 'mcm' },
    hash: '0123456789abcdef',
    secrets: labelledSecrets(),
    strictSecrets: true,
    ...overrides,
  };
}

export function buildRequest(overrides: Partial<BuildRequest> = {}): BuildRequest {
  return {
    ...stepRequest(),
    toolkit: { kind: 'unknown', message: 'no toolkit' },
    settings: {
      builderImage: 'r.example/buildah:1',
      serviceAccountName: 'kmm-operator-builder',
      privileges: 'UserNamespace',
      deadlineSeconds: 3600,
      resources: { requests: { cpu: '500m' } },
    },
    ...overrides,
  };
}

export function signRequest(overrides: Partial<SignRequest> = {}): SignRequest {
  return {
    ...stepRequest(),
    settings: {
      signerImage: 'r.example/hub-and-spoke:1',
      serviceAccountName: 'kmm-operator-builder',
      deadlineSeconds: 600,
      resources: {},
    },
    ...overrides,
  };
}

export function openShiftRequest(overrides: Partial<OpenShiftBuildRequest> = {}): OpenShiftBuildRequest {
  return {
    ...stepRequest(),
    toolkit: { kind: 'known', image: 'r.example/toolkit:1' },
    dockerfile: 'ARG DTK_AUTO\nFROM $DTK_AUTO as builder\n',
    deadlineSeconds: 3600,
    ...overrides,
  };
}
