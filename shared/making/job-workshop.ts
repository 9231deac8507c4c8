import { type BuilderSettings, buildJob } from '../build/build-job.ts';
import { type InputVersions, inputsHash, type ObjectVersion } from '../build/inputs-hash.ts';
import { isBuildEnough } from '../build/openshift-build.ts';
import { judgeSecrets, type SecretFacts, secretFacts } from '../build/secret-limits.ts';
import { type SignerSettings, signJob } from '../build/sign-job.ts';
import { type Made, type StepRequest, stepName } from '../build/step.ts';
import { namesToolkit, type Toolkit } from '../build/toolkit.ts';
import { assert } from '../core/assert.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { CacheView } from '../kube/cache.ts';
import { annotations, labels } from '../kube/names.ts';
import type { KubeObject } from '../kube/object.ts';
import type { BuildMaker } from './build-maker.ts';
import { imageKey } from './image-wants.ts';
import { imageHash } from './job-shelf.ts';
import type { MakingObject } from './job-view.ts';
import { makingReasons } from './making-reasons.ts';
import type { Inputs, Step } from './picture.ts';
import type { NotYet, WorkOrder, Workshop } from './workshop.ts';

export interface WorkshopOptions {
  /** Of Jobs, and of all that they mount. */
  namespace: string;
  /** Metadata only: data is read by the pod that mounts it. */
  configMaps: CacheView<KubeObject>;
  secrets: CacheView<KubeObject>;
  strictSecrets: boolean;
  /** Where OpenShift builds; without any, everything is built by Jobs. */
  builds?: (() => BuildMaker | undefined) | undefined;
  /** What has to happen before it is known whether OpenShift builds, and has toolkits; undefined: it is known. */
  waitsFor?: (() => string | undefined) | undefined;
  /** Without an image nothing is built, or signed, by a Job. */
  builder: Omit<BuilderSettings, 'builderImage'> & { builderImage: string | undefined };
  signer: Omit<SignerSettings, 'signerImage'> & { signerImage: string | undefined };
  toolkitFor: (kernel: string) => Toolkit;
  /** The module that signs with the Secret of this name; undefined: none does. */
  signerWith: (secret: string) => string | undefined;
}

/** Makes images by Jobs, buildah's and the signer's, or by OpenShift's Builds where those can say all that is asked for. */
export class JobWorkshop implements Workshop {
  readonly #options: WorkshopOptions;

  constructor(options: WorkshopOptions) {
    this.#options = options;
  }

  inputs({ recipe, generation, unsigned, module }: WorkOrder): Inputs {
    const { namespace, strictSecrets } = this.#options;
    const waiting = this.#waiting(recipe);
    if (waiting !== undefined) return waiting;
    const unconfigured = this.#unconfigured(recipe);
    if (unconfigured !== undefined) return unconfigured;
    const secrets = this.#facts(recipe);
    const steps: Step[] = [...(recipe.build ? ['build' as const] : []), ...(recipe.sign ? ['sign' as const] : [])];
    const dockerfile = this.#dockerfile(recipe);
    if (recipe.build && dockerfile === undefined) {
      const message = `ConfigMap ${namespace}/${recipe.build.dockerfileConfigMap} does not exist: it holds the Dockerfile under its key dockerfile`;
      return { kind: 'problem', reason: makingReasons.dockerfileMissing, message };
    }
    for (const step of steps) {
      const { refusal } = judgeSecrets({ step, recipe, module: module.name, secrets, strictSecrets });
      if (refusal !== undefined) return { kind: 'problem', ...refusal };
    }
    const theirs = this.#keyOfOthers(recipe, secrets);
    if (theirs !== undefined) return theirs;
    const problem =
      dockerfile && this.#buildsFor(recipe)?.problem(dockerfile, recipe, this.#options.toolkitFor(recipe.kernel));
    if (problem !== undefined) return problem;
    const versions: InputVersions = {
      dockerfile: dockerfile && versionOf(dockerfile),
      secrets,
      generation,
      toolkitImage: this.#toolkitImage(recipe),
      unsignedDigest: unsigned,
    };
    // What is built has to be known before it can be signed.
    const isSignable = recipe.build === undefined || unsigned !== undefined;
    return {
      kind: 'ready',
      build: recipe.build && inputsHash('build', recipe, versions),
      sign: recipe.sign && isSignable ? inputsHash('sign', recipe, versions) : undefined,
      ...this.#warnings(recipe, module.name, steps),
    };
  }

  /**
   * Whoever writes a module may call any Secret his key. What its label says it is for was judged before, and is the word of
   * who may write Secrets: only an unlabelled one is what modules call it.
   */
  #keyOfOthers({ build, imageRepoSecret }: ImageRecipe, secrets: ReadonlyMap<string, SecretFacts>): Inputs | undefined {
    if (build === undefined) return undefined;
    const uses = new Map([...build.secrets.map((name) => [name, 'build'] as const), [imageRepoSecret ?? '', 'pull']]);
    for (const [name, use] of uses) {
      if (name === '' || secrets.get(name)?.use === use) continue;
      const signer = this.#options.signerWith(name);
      if (signer === undefined) continue;
      const message = `Secret ${name} is a signing key, module ${signer} names it in sign.keySecret: it is never mounted in a build. If it is no key, label it ${labels.secretUse}=${use}`;
      return { kind: 'problem', reason: makingReasons.secretRefused, message };
    }
    return undefined;
  }

  /** Of the login, whoever looks images up warns. */
  #warnings({ imageRepoSecret: _, ...recipe }: ImageRecipe, module: string, steps: readonly Step[]) {
    const { strictSecrets } = this.#options;
    const secrets = this.#facts(recipe);
    const all = steps.flatMap((step) => judgeSecrets({ step, recipe, module, secrets, strictSecrets }).warnings);
    return all.length > 0 && { warnings: all };
  }

  async job(step: Step, order: WorkOrder & { hash: string; attempt: number }): Promise<Made<MakingObject> | NotYet> {
    const { namespace, strictSecrets } = this.#options;
    const { recipe, module, hash, attempt, unsigned } = order;
    const request: StepRequest = {
      recipe,
      module,
      namespace,
      owner: module.owner,
      hash,
      secrets: this.#facts(recipe),
      strictSecrets,
      ...module.placement,
    };
    const made = await (step === 'build' ? this.#build(request) : this.#sign(request, unsigned));
    if (made.kind !== 'object') return made;
    assert(made.object.metadata.name === this.nameOf(step, order), 'a Job has the name that it is looked for by');
    return { ...made, object: noted(made.object, imageKey(recipe.image), attempt) };
  }

  nameOf(step: Step, order: WorkOrder): string {
    return stepName(step, order);
  }

  #build(request: StepRequest): Made<MakingObject> | Promise<Made<MakingObject> | NotYet> {
    const { builder, toolkitFor } = this.#options;
    const { recipe } = request;
    const toolkit = toolkitFor(recipe.kernel);
    const dockerfile = this.#dockerfile(recipe);
    const builds = this.#buildsFor(recipe);
    if (builds && dockerfile) return builds.build({ ...request, toolkit }, dockerfile);
    return buildJob({ ...request, toolkit, settings: { ...builder, builderImage: builder.builderImage ?? '' } });
  }

  #sign(request: StepRequest, unsignedDigest: string | undefined): Made<MakingObject> {
    const { signer } = this.#options;
    return signJob({ ...request, settings: { ...signer, signerImage: signer.signerImage ?? '' }, unsignedDigest });
  }

  /** Undefined: a Job builds it. */
  #buildsFor(recipe: ImageRecipe): BuildMaker | undefined {
    return recipe.build && isBuildEnough(recipe) ? this.#options.builds?.() : undefined;
  }

  /** By what it is built, or from what, is not known. Begun nevertheless, it would be begun anew a moment later. */
  #waiting(recipe: ImageRecipe): Inputs | undefined {
    const { waitsFor, toolkitFor } = this.#options;
    if (recipe.build === undefined) return undefined;
    const isByJob = !isBuildEnough(recipe) && (namesToolkit(recipe) || toolkitFor(recipe.kernel).kind === 'known');
    const message = isByJob ? undefined : waitsFor?.();
    return message === undefined ? undefined : { kind: 'waiting', message };
  }

  #dockerfile({ build }: ImageRecipe): KubeObject | undefined {
    const { configMaps, namespace } = this.#options;
    return build && configMaps.get({ namespace, name: build.dockerfileConfigMap });
  }

  #unconfigured(recipe: ImageRecipe): Inputs | undefined {
    const { builder, signer } = this.#options;
    const { build, sign } = recipe;
    const byJob = build && this.#buildsFor(recipe) === undefined;
    const missing = [
      ...(byJob && builder.builderImage === undefined ? ['images.builder'] : []),
      ...(sign && signer.signerImage === undefined ? ['images.signer'] : []),
    ];
    if (missing.length === 0) return undefined;
    const message = `${missing.join(' and ')} of the configuration is not set: set it, or push the image`;
    return { kind: 'problem', reason: makingReasons.notConfigured, message };
  }

  #toolkitImage(recipe: ImageRecipe): string | undefined {
    if (recipe.build === undefined || namesToolkit(recipe)) return undefined;
    const toolkit = this.#options.toolkitFor(recipe.kernel);
    return toolkit.kind === 'known' ? toolkit.image : undefined;
  }

  #facts({ build, sign, imageRepoSecret }: ImageRecipe): Map<string, SecretFacts> {
    const names = [...(build?.secrets ?? []), sign?.keySecret, sign?.certSecret, imageRepoSecret];
    const found = new Map<string, SecretFacts>();
    for (const name of names) {
      const secret =
        name === undefined ? undefined : this.#options.secrets.get({ namespace: this.#options.namespace, name });
      if (name !== undefined && secret !== undefined) found.set(name, secretFacts(secret.metadata));
    }
    return found;
  }
}

function versionOf({ metadata: { uid = '', resourceVersion = '' } }: KubeObject): ObjectVersion {
  return { uid, resourceVersion };
}

/** By the label all that makes one image is found, by the annotation the hash's image is told from others of its hash. */
function noted(job: MakingObject, image: string, attempt: number): MakingObject {
  const { metadata } = job;
  return {
    ...job,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [labels.image]: imageHash(image) },
      annotations: { ...metadata.annotations, [annotations.image]: image, [annotations.attempt]: String(attempt) },
    },
  };
}
