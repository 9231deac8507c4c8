import type { Made, StepRequest } from '../build/step.ts';
import type { ImageRecipe } from '../images/recipe.ts';
import type { labels } from '../kube/names.ts';
import type { OwnerReference } from '../kube/object.ts';
import type { MakingObject } from './job-view.ts';
import type { Inputs, Step } from './picture.ts';

/** In whose name an image is made. */
export interface Maker {
  name: string;
  label: typeof labels.moduleName | typeof labels.managedClusterModule;
  owner: OwnerReference;
  /** Where the pods run unless the recipe says: nodes with these labels (builds), in spite of these taints. */
  placement?: Pick<StepRequest, 'moduleSelector' | 'tolerations'>;
}

export interface WorkOrder {
  recipe: ImageRecipe;
  module: Maker;
  /** `imageRebuildTriggerGeneration`. */
  generation: number | undefined;
  /** Digest of what was built, once that is known. */
  unsigned: string | undefined;
}

/** It cannot be said, or must not be, what to create: look again. */
export interface NotYet {
  kind: 'not yet';
  why: string;
}

/** What a step of making an image needs, and what it is made from. */
export interface Workshop {
  /** Whether all is there that the recipe names and may be used so, and the hashes of it. */
  inputs(order: WorkOrder): Inputs;
  nameOf(step: Step, order: WorkOrder): string;
  job(step: Step, order: WorkOrder & { hash: string; attempt: number }): Promise<Made<MakingObject> | NotYet>;
}
