import type { Job } from '../../kube/object.ts';
import type { ImageRecipe } from '../recipe.ts';
import type { Inputs, Step } from './picture.ts';

/** What a step of making an image needs, and what it is made from. */
export interface Workshop {
  /** Whether all is there that `recipe` names and may be used so, and the hashes of it. `unsigned`: digest of what was built. */
  inputs(of: {
    recipe: ImageRecipe;
    generation: number | undefined;
    unsigned: string | undefined;
    token: string;
  }): Inputs;
  /** One name for a step of an image, whoever wants it: the API server itself keeps a second Job from being made. */
  nameOf(step: Step, image: string): string;
  job(of: { step: Step; name: string; hash: string; attempt: number; recipe: ImageRecipe; token: string }): Job;
}
