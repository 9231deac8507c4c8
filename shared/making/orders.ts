import type { Want } from './image-wants.ts';
import type { MakingJob } from './picture.ts';
import type { Maker, WorkOrder } from './workshop.ts';

/** In whose name a token's image is made; undefined: its module is gone. */
export type MakerOf = (token: string) => PresentMaker | undefined;

/** `isCurrent`: the token is of the version that the module has now, which says how the image is made. */
export type PresentMaker = Maker & { isCurrent: boolean };

/** A want, and in whose name it is served. */
export type Ordered = Want & { module: PresentMaker };

/** Present versions first; then by token, so that a restart chooses alike. */
export function ordered(wants: readonly Want[], makerOf: MakerOf): Ordered[] {
  const found = wants.flatMap((want) => {
    const module = makerOf(want.token);
    return module === undefined ? [] : [{ ...want, module }];
  });
  const rank = ({ module }: Ordered) => (module.isCurrent ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || (a.token < b.token ? -1 : 1));
}

export function orderOf({ recipe, generation, module }: Ordered, jobs: readonly MakingJob[]): WorkOrder {
  const built = jobs.find(({ step, phase }) => step === 'build' && phase === 'succeeded');
  return { recipe, module, generation, unsigned: built?.result?.digest };
}
