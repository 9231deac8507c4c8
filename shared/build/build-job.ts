import { readFileSync } from 'node:fs';
import type { Job } from '../kube/object.ts';
import {
  buildNodeSelector,
  type Container,
  environment,
  loginAllowed,
  type Made,
  type StepRequest,
  type StepSettings,
  secretVolume,
  sharedMounts,
  stepJob,
  unlessRefused,
  type Volume,
} from './step.ts';
import { namesToolkit, type Toolkit } from './toolkit.ts';

/**
 * What the builder's container may do (docs/guides/building.md). `UserNamespace`: as root of a user namespace that buildah
 * makes for itself, which takes these three capabilities and a runtime that lets it; Pod Security level *baseline*.
 * `Privileged`: where the runtime does not let it, because of a seccomp or AppArmor profile.
 */
export type BuilderPrivileges = 'UserNamespace' | 'Privileged';

export interface BuilderSettings extends StepSettings {
  /** Has `buildah` and a POSIX shell. */
  builderImage: string;
  privileges: BuilderPrivileges;
}

export interface BuildRequest extends StepRequest {
  settings: BuilderSettings;
  toolkit: Toolkit;
}

const script = readFileSync(new URL('build.sh', import.meta.url), 'utf8');

/** How kubelet ends a build that takes too long; `buildah` has nothing to tidy up in a pod that goes. */
const graceSeconds = 10;
/** Bound on what a build may leave on a node's disk while it runs: base images, layers, kernel sources. */
const workSizeLimit = '32Gi';

/** Paths in the container. `build.sh` says what stands there. */
const paths = {
  dockerfile: '/workspace/dockerfile',
  secrets: '/workspace/secrets',
  work: '/workspace/work',
  trustedCa: '/workspace/ca',
  login: '/run/secrets/push',
} as const;

/** The Job that builds an image with buildah and pushes it. */
export function buildJob(request: BuildRequest): Made<Job> {
  return unlessRefused('build', request, () => {
    const nodeSelector = buildNodeSelector(request);
    const shared = sharedMounts(request, paths);
    return stepJob('build', request, {
      terminationGracePeriodSeconds: graceSeconds,
      ...(nodeSelector && { nodeSelector }),
      containers: [buildContainer(request, shared.mounts)],
      volumes: [...volumesOf(request), ...shared.volumes],
    });
  });
}

function buildContainer(request: BuildRequest, shared: NonNullable<Container['volumeMounts']>): Container {
  const { settings, recipe } = request;
  return {
    name: 'build',
    image: settings.builderImage,
    command: ['/bin/sh', '-ec', script],
    env: environment(variablesOf(request)),
    resources: settings.resources,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: securityContexts[settings.privileges],
    volumeMounts: [
      { name: 'dockerfile', mountPath: paths.dockerfile, readOnly: true },
      { name: 'work', mountPath: paths.work },
      // Where buildah and its base image's tools write whatever TMPDIR says.
      { name: 'work', mountPath: '/tmp', subPath: 'tmp' },
      { name: 'work', mountPath: '/var/tmp', subPath: 'tmp' },
      ...(recipe.build?.secrets ?? []).map((name, index) => ({
        name: `secret-${index}`,
        mountPath: `${paths.secrets}/${name}`,
        readOnly: true,
      })),
      ...shared,
    ],
  };
}

const securityContexts: Record<BuilderPrivileges, NonNullable<Container['securityContext']>> = {
  UserNamespace: {
    runAsUser: 0,
    runAsGroup: 0,
    privileged: false,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    // To map users into its namespace: all of them (SETUID, SETGID), root too (SETFCAP, since Linux 5.12). No seccomp
    // profile is named: the runtimes' default forbids user namespaces to whom it does not know as an administrator.
    capabilities: { drop: ['ALL'], add: ['SETUID', 'SETGID', 'SETFCAP'] },
  },
  Privileged: { runAsUser: 0, runAsGroup: 0, privileged: true },
};

function variablesOf(request: BuildRequest): Record<string, string> {
  const { recipe, settings, toolkit } = request;
  const { registryTLS, build } = recipe;
  const args = [...(build?.args ?? [])];
  const ownToolkit = namesToolkit(recipe);
  if (toolkit.kind === 'known' && !ownToolkit) args.push({ name: 'DTK_AUTO', value: toolkit.image });
  const base = build?.baseImageRegistryTLS ?? { insecure: false, insecureSkipTLSVerify: false };
  const verified = (tls: typeof base) => String(!tls.insecure && !tls.insecureSkipTLSVerify);
  return {
    KMM_IMAGE: build?.image ?? recipe.image,
    KMM_DOCKERFILE: `${paths.dockerfile}/dockerfile`,
    KMM_WORK: paths.work,
    KMM_BUILD_SECRETS: paths.secrets,
    KMM_LOGIN: paths.login,
    KMM_BASE_TLS_VERIFY: verified(base),
    KMM_BASE_LOGIN: String(loginAllowed(request, base)),
    KMM_IMAGE_TLS_VERIFY: verified(registryTLS),
    KMM_IMAGE_LOGIN: String(loginAllowed(request, registryTLS)),
    ...(settings.trustedCa && { KMM_CA: paths.trustedCa }),
    ...(toolkit.kind === 'unknown' && !ownToolkit && { KMM_NO_TOOLKIT: toolkit.message }),
    KMM_BUILD_ARGS: String(args.length),
    ...Object.fromEntries(args.map(({ name, value }, index) => [`KMM_BUILD_ARG_${index}`, `${name}=${value}`])),
  };
}

function volumesOf({ recipe: { build } }: BuildRequest): Volume[] {
  return [
    {
      name: 'dockerfile',
      configMap: {
        name: build?.dockerfileConfigMap ?? '',
        optional: false,
        items: [{ key: 'dockerfile', path: 'dockerfile' }],
      },
    },
    { name: 'work', emptyDir: { sizeLimit: workSizeLimit } },
    ...(build?.secrets ?? []).map((name, index) => secretVolume(`secret-${index}`, name)),
  ];
}
