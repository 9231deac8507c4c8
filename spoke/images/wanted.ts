import type { Module, ModuleLoaderContainer } from '@open-cluster-management/api-types';
import { canonicalJson } from '../../shared/core/hash.ts';
import type { ImageRequest, ImageState } from '../../shared/images/look-up.ts';
import type { ImageRecipe } from '../../shared/images/recipe.ts';
import { expectationOf } from '../../shared/making/verdicts.ts';

/** An image that can be made here, as one Module wants it for one kernel. */
export interface WantedImage {
  kernel: string;
  request: ImageRequest & { recipe: ImageRecipe };
  /** `imageRebuildTriggerGeneration`. */
  generation: number | undefined;
}

/** What is known of what was wanted last for a kernel. */
export interface KnownImage {
  wanted: WantedImage;
  state: ImageState;
  /** Jobs of it are there still: they go by who wants it. */
  hasJobs: boolean;
}

/** Whether any image of the Module could have to be made here. */
export function makesImages({ spec }: Pick<Module, 'spec'>): boolean {
  const container: ModuleLoaderContainer | undefined = spec.moduleLoader?.container;
  if (container === undefined) return false;
  return [container, ...container.kernelMappings].some(({ build, sign }) => build !== undefined || sign !== undefined);
}

/** What is known of one of them is known of the other. */
export function sameImage(a: WantedImage, b: WantedImage): boolean {
  const factsOf = ({ request: { recipe }, generation }: WantedImage) =>
    canonicalJson([recipe.image, generation ?? null, expectationOf(recipe)]);
  return factsOf(a) === factsOf(b);
}
