import { sha256Hex } from '../core/hash.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { KubeObject } from '../kube/object.ts';
import { buildNodeSelector, type Made, type StepRequest, stepMetadata, unlessRefused } from './step.ts';
import { namesToolkit, type Toolkit, usesToolkit } from './toolkit.ts';

interface BuildVolume {
  name: string;
  source: { type: 'Secret'; secret: { secretName: string; optional: boolean } };
  mounts: { destinationPath: string }[];
}

/** build.openshift.io/v1, as far as we write and read it. */
export type OpenShiftBuild = KubeObject & {
  spec: {
    serviceAccount: string;
    source: { type: 'Dockerfile'; dockerfile: string };
    strategy: {
      type: 'Docker';
      dockerStrategy: {
        buildArgs: { name: string; value: string }[];
        volumes?: BuildVolume[];
        pullSecret?: { name: string };
      };
    };
    output: { to: { kind: 'DockerImage'; name: string }; pushSecret?: { name: string } };
    nodeSelector?: Record<string, string>;
    mountTrustedCA: boolean;
    completionDeadlineSeconds: number;
  };
  status?: {
    phase?: 'New' | 'Pending' | 'Running' | 'Complete' | 'Failed' | 'Error' | 'Cancelled';
    reason?: string;
    message?: string;
    logSnippet?: string;
    completionTimestamp?: string;
    output?: { to?: { imageDigest?: string } };
  };
};

export interface OpenShiftBuildRequest extends StepRequest {
  /** Text of the ConfigMap's key: a Build holds it inline. */
  dockerfile: string;
  toolkit: Toolkit;
  deadlineSeconds: number;
}

/** OpenShift's own account for builds: it may push to the internal registry and use the constraint that builds need. */
const serviceAccount = 'builder';

/**
 * Whether OpenShift can make this image by itself. A Build has no TLS options for registries: with any of them, the Job
 * of `build-job.ts` is used, so that they are never silently ignored (checklist 70, 207).
 */
export function isBuildEnough({ build, registryTLS }: ImageRecipe): boolean {
  const base = build?.baseImageRegistryTLS;
  const options = [registryTLS, ...(base === undefined ? [] : [base])];
  return options.every(({ insecure, insecureSkipTLSVerify }) => !insecure && !insecureSkipTLSVerify);
}

/** The Build that OpenShift runs (facts (d.4)). It has no tolerations: OpenShift knows none for it. */
export function openShiftBuild(request: OpenShiftBuildRequest): Made<OpenShiftBuild> {
  const { toolkit } = request;
  if (toolkit.kind === 'unknown' && usesToolkit(request.dockerfile) && !namesToolkit(request.recipe)) {
    return { kind: 'refused', reason: 'ToolkitUnknown', message: toolkit.message };
  }
  return unlessRefused('build', request, () => {
    const { recipe, dockerfile, deadlineSeconds } = request;
    const { imageRepoSecret, build } = recipe;
    const volumes = (build?.secrets ?? []).map(secretVolume);
    const nodeSelector = buildNodeSelector(request);
    const login = imageRepoSecret === undefined ? undefined : { name: imageRepoSecret };
    return {
      apiVersion: 'build.openshift.io/v1',
      kind: 'Build',
      metadata: stepMetadata('build', request),
      spec: {
        serviceAccount,
        source: { type: 'Dockerfile', dockerfile },
        strategy: {
          type: 'Docker',
          dockerStrategy: {
            buildArgs: buildArguments(request),
            ...(volumes.length > 0 && { volumes }),
            ...(login && { pullSecret: login }),
          },
        },
        output: {
          to: { kind: 'DockerImage', name: build?.image ?? recipe.image },
          ...(login && { pushSecret: login }),
        },
        ...(nodeSelector && { nodeSelector }),
        mountTrustedCA: true,
        completionDeadlineSeconds: deadlineSeconds,
      },
    };
  });
}

function buildArguments({ recipe, toolkit }: OpenShiftBuildRequest): { name: string; value: string }[] {
  const args = [...(recipe.build?.args ?? [])];
  return toolkit.kind === 'known' && !namesToolkit(recipe)
    ? [...args, { name: 'DTK_AUTO', value: toolkit.image }]
    : args;
}

/** A volume's name is a DNS label, a Secret's may be longer and hold dots. */
function secretVolume(secretName: string): BuildVolume {
  const plain = `secret-${secretName}`;
  const name = plain.length <= 63 && !plain.includes('.') ? plain : `secret-${sha256Hex(secretName, 16)}`;
  return {
    name,
    source: { type: 'Secret', secret: { secretName, optional: false } },
    mounts: [{ destinationPath: `/run/secrets/${secretName}` }],
  };
}
