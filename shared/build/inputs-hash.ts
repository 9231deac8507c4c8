import { contentHash } from '../core/hash.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { Step } from './secret-limits.ts';

/** Kubernetes gives an object that was changed, or deleted and made anew, another pair. */
export interface ObjectVersion {
  uid: string;
  resourceVersion: string;
}

/** What a recipe only names. */
export interface InputVersions {
  /** Of the Dockerfile's ConfigMap. */
  dockerfile?: ObjectVersion | undefined;
  /** By name; those that the step does not use are not looked at. */
  secrets: ReadonlyMap<string, ObjectVersion>;
  /** `imageRebuildTriggerGeneration`. */
  generation?: number | undefined;
  /** What DTK_AUTO is. */
  toolkitImage?: string | undefined;
  /** Digest of the image that is signed. */
  unsignedDigest?: string | undefined;
}

/**
 * 16 hexadecimal digits over all that determines what a step makes, and where it puts it (traps T10 and T23). The steps
 * have hashes of their own: another key signs what was built before, and a new Dockerfile reaches the signer as another
 * digest. Not in it is the version of `imageRepoSecret`: a login that is renewed every hour changes no image.
 */
export function inputsHash(step: Step, recipe: ImageRecipe, versions: InputVersions): string {
  const { image, registryTLS, imageRepoSecret, kernel, architecture, dirName, moduleName, build, sign } = recipe;
  const common = { step, registryTLS, imageRepoSecret, kernel, generation: versions.generation };
  const versionOf = (name: string) => {
    const version = versions.secrets.get(name);
    // The rest of what is known of the Secret, its labels for one, is in its resourceVersion.
    return version && [version.uid, version.resourceVersion];
  };
  if (step === 'build') {
    const { dockerfile, toolkitImage } = versions;
    return contentHash({
      ...common,
      architecture,
      build,
      dockerfile: dockerfile && [dockerfile.uid, dockerfile.resourceVersion],
      toolkitImage,
      secrets: build?.secrets.map((name) => versionOf(name) ?? null),
    });
  }
  return contentHash({
    ...common,
    image,
    dirName,
    moduleName,
    sign,
    unsignedDigest: versions.unsignedDigest,
    key: sign && versionOf(sign.keySecret),
    certificate: sign && versionOf(sign.certSecret),
  });
}
