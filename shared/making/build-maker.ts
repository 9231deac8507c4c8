import { dockerfileOf } from '../build/dockerfile.ts';
import { type OpenShiftBuild, type OpenShiftBuildRequest, openShiftBuild } from '../build/openshift-build.ts';
import { buildNameLabel } from '../build/openshift-kinds.ts';
import { type Made, stepName } from '../build/step.ts';
import { namesToolkit, type Toolkit, usesToolkit } from '../build/toolkit.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { configMaps, pods } from '../kube/resources.ts';
import { makingReasons } from './making-reasons.ts';
import type { Inputs } from './picture.ts';
import type { NotYet } from './workshop.ts';

export interface BuildMakerOptions {
  client: KubeClient;
  namespace: string;
  deadlineSeconds: number;
}

type Dockerfile = ReturnType<typeof dockerfileOf>;

/** Makes OpenShift's Builds. They hold the Dockerfile's text: it is read when one is to be created. */
export class BuildMaker {
  readonly #options: BuildMakerOptions;
  /** What was found in which version of a ConfigMap: what is wrong there is said again without another request. */
  readonly #read = new WeakMap<KubeObject, Dockerfile>();

  constructor(options: BuildMakerOptions) {
    this.#options = options;
  }

  /** Why no Build can be made of the Dockerfile, if that was found before. */
  problem(dockerfile: KubeObject, recipe: ImageRecipe, toolkit: Toolkit): Inputs | undefined {
    const read = this.#read.get(dockerfile);
    if (read?.kind === 'missing') {
      return { kind: 'problem', reason: makingReasons.dockerfileMissing, message: read.message };
    }
    if (read === undefined || toolkit.kind === 'known' || namesToolkit(recipe) || !usesToolkit(read.text)) return;
    return { kind: 'problem', reason: makingReasons.toolkitUnknown, message: toolkit.message };
  }

  /** `known`: the ConfigMap in the version that was decided about. */
  async build(
    request: Omit<OpenShiftBuildRequest, 'dockerfile' | 'deadlineSeconds'>,
    known: KubeObject,
  ): Promise<Made<OpenShiftBuild> | NotYet> {
    const { client, namespace, deadlineSeconds } = this.#options;
    const { name } = known.metadata;
    const present = await client.get(configMaps, { namespace, name });
    if (!isSameVersion(known, present)) return { kind: 'not yet', why: 'DockerfileChanged' };
    const dockerfile = dockerfileOf(name, present);
    this.#read.set(known, dockerfile);
    if (dockerfile.kind === 'missing') return { ...dockerfile, kind: 'refused', reason: 'DockerfileMissing' };
    if (await this.#hasPod(stepName('build', request))) return { kind: 'not yet', why: 'FormerBuildEnds' };
    return openShiftBuild({ ...request, dockerfile: dockerfile.text, deadlineSeconds });
  }

  /**
   * OpenShift does not let a Build stay until its pod is gone, and ends the next one of its name with an error while that
   * pod is there.
   */
  async #hasPod(build: string): Promise<boolean> {
    const { client, namespace } = this.#options;
    const { items } = await client.list(pods, { namespace, labelSelector: `${buildNameLabel}=${build}`, limit: 1 });
    return items.length > 0;
  }
}

function isSameVersion({ metadata }: KubeObject, other: KubeObject | undefined): boolean {
  return metadata.uid === other?.metadata.uid && metadata.resourceVersion === other?.metadata.resourceVersion;
}
