import { sha256Hex } from '../core/hash.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import { normalised } from '../kernel/version.ts';
import { annotations, labels } from '../kube/names.ts';
import type { Job, ObjectMeta, OwnerReference, PodTemplate } from '../kube/object.ts';
import { judgeSecrets, type Refusal, type SecretFacts, type Step } from './secret-limits.ts';

export type PodSpec = NonNullable<PodTemplate['spec']>;
export type Container = PodSpec['containers'][number];
export type Volume = NonNullable<PodSpec['volumes']>[number];
export type Resources = NonNullable<Container['resources']>;

/** A name is a label's value too: the Job's pods carry it. */
const nameCharsMax = 63;

/** Who wants one step of making an image, and where and how it runs. */
export interface StepRequest {
  recipe: ImageRecipe;
  module: { name: string; label: typeof labels.moduleName | typeof labels.managedClusterModule };
  /** Of the Job or Build, and of all that it mounts. */
  namespace: string;
  owner: OwnerReference;
  /** `inputsHash` of the step. */
  hash: string;
  secrets: ReadonlyMap<string, SecretFacts>;
  strictSecrets: boolean;
  /** Labels of the nodes that a build without `selector` may run on: the module's on a cluster that loads it too, none on a hub. */
  moduleSelector?: Record<string, string> | undefined;
  tolerations?: NonNullable<PodSpec['tolerations']> | undefined;
}

/** What the configuration says of the pods of a step. */
export interface StepSettings {
  serviceAccountName: string;
  deadlineSeconds: number;
  resources: Resources;
  /** ConfigMap with a key `ca-bundle.crt` of certificate authorities, in the namespace of the Job. */
  trustedCa?: string | undefined;
}

/** What to create, or why it must not be. */
export type Made<T> =
  | { kind: 'object'; object: T; warnings: string[] }
  | {
      kind: 'refused';
      reason: Refusal['reason'] | 'ArchitectureConflict' | 'DockerfileMissing' | 'ToolkitUnknown';
      message: string;
    };

/** Makes the object of a step unless what it would mount is refused. */
export function unlessRefused<T>(step: Step, request: StepRequest, make: () => T): Made<T> {
  const { recipe, module, secrets, strictSecrets } = request;
  const { refusal, warnings } = judgeSecrets({ step, recipe, module: module.name, secrets, strictSecrets });
  if (refusal !== undefined) return { kind: 'refused', ...refusal };
  const asked = recipe.build?.selector?.['kubernetes.io/arch'];
  if (step === 'build' && recipe.architecture !== undefined && (asked ?? recipe.architecture) !== recipe.architecture) {
    const message = `build.selector: expected nodes of kubernetes.io/arch=${recipe.architecture} for kernel ${recipe.kernel}, got ${asked}`;
    return { kind: 'refused', reason: 'ArchitectureConflict', message };
  }
  return { kind: 'object', object: make(), warnings };
}

/**
 * `<module>-build-<8 hex>`, `<module>-sign-<8 hex>`, the module's name cut where it is too long. The digits are of the
 * image that the step pushes: while one of that name is there, also one that is going, the API server takes no second.
 */
export function stepName(step: Step, { recipe, module }: Pick<StepRequest, 'recipe' | 'module'>): string {
  const target = step === 'build' ? (recipe.build?.image ?? recipe.image) : recipe.image;
  const suffix = `-${step}-${sha256Hex(target, 8)}`;
  return `${module.name.slice(0, nameCharsMax - suffix.length).replace(/[.-]+$/, '')}${suffix}`;
}

export function stepMetadata(step: Step, request: StepRequest): ObjectMeta {
  const { namespace, owner, hash } = request;
  return {
    name: stepName(step, request),
    namespace,
    labels: stepLabels(step, request),
    annotations: { [annotations.inputsHash]: hash },
    ownerReferences: [owner],
  };
}

/** What the Jobs of both steps are: one pod, tried once, that talks to no API server. Who created it decides whether it is repeated. */
export function stepJob(
  step: Step,
  request: StepRequest & { settings: StepSettings },
  pod: Omit<PodSpec, 'restartPolicy'>,
): Job {
  const { settings, tolerations } = request;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: stepMetadata(step, request),
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: settings.deadlineSeconds,
      template: {
        metadata: { labels: stepLabels(step, request) },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: settings.serviceAccountName,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(tolerations?.length && { tolerations }),
          ...pod,
        },
      },
    },
  };
}

/** The login of `imageRepoSecret` and the trusted authorities: in both steps' pods, where there are any. */
export function sharedMounts(
  { recipe, settings }: StepRequest & { settings: StepSettings },
  at: { login: string; trustedCa: string },
): { mounts: NonNullable<Container['volumeMounts']>; volumes: Volume[] } {
  const { imageRepoSecret } = recipe;
  const { trustedCa } = settings;
  const mounts = [];
  const volumes: Volume[] = [];
  if (imageRepoSecret) {
    mounts.push({ name: 'login', mountPath: at.login, readOnly: true });
    // That key only: whoever names another Secret here gets nothing of it.
    volumes.push(secretVolume('login', imageRepoSecret, ['.dockerconfigjson']));
  }
  if (trustedCa) {
    mounts.push({ name: 'trusted-ca', mountPath: at.trustedCa, readOnly: true });
    volumes.push({ name: 'trusted-ca', configMap: { name: trustedCa, optional: true } });
  }
  return { mounts, volumes };
}

export function stepLabels(step: Step, { recipe, module }: StepRequest): Record<string, string> {
  return {
    [module.label]: module.name,
    [labels.targetKernel]: normalised(recipe.kernel),
    [labels.buildType]: step,
  };
}

/** Where a build may run: a kernel's architecture is built on nodes of it, never emulated. */
export function buildNodeSelector({ recipe, moduleSelector }: StepRequest): Record<string, string> | undefined {
  const selector = {
    ...(recipe.build?.selector ?? moduleSelector),
    ...(recipe.architecture !== undefined && { 'kubernetes.io/arch': recipe.architecture }),
  };
  return Object.keys(selector).length === 0 ? undefined : selector;
}

/**
 * Environment variables with these very values: kubelet would replace `$(NAME)` in them by what other variables hold, and
 * takes `$$` for a dollar sign.
 */
export function environment(variables: Record<string, string>): NonNullable<Container['env']> {
  return Object.entries(variables).map(([name, value]) => ({ name, value: value.replaceAll('$', '$$$$') }));
}

export function secretVolume(name: string, secretName: string, keys?: readonly string[]): Volume {
  const items = keys?.map((key) => ({ key, path: key }));
  return { name, secret: { secretName, optional: false, ...(items && { items }) } };
}

/** Whether the login may be used under these TLS options (contract 8). */
export function loginAllowed(
  { recipe, secrets }: StepRequest,
  tls: { insecure: boolean; insecureSkipTLSVerify: boolean },
): boolean {
  if (recipe.imageRepoSecret === undefined) return false;
  const verified = !tls.insecure && !tls.insecureSkipTLSVerify;
  return verified || secrets.get(recipe.imageRepoSecret)?.insecureAllowed === true;
}
