import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import type { FleetPlan } from './plan.ts';

/** An image that the new version needs for a kernel. */
export interface PlannedImage {
  kernel: string;
  image: string;
  clusters: number;
  /** What makes it. `Nobody`: it has to be in the registry. */
  madeBy: 'Nobody' | 'Build' | 'Sign' | 'BuildAndSign' | 'InvalidRecipe';
  /** What the status says of an image of this name for this kernel; undefined: nothing. */
  known: string | undefined;
}

/** Each kernel and image once, in this order. Pure. */
export function plannedImages(
  { after, clusters }: FleetPlan,
  present: ManagedClusterModule | undefined,
  operatorNamespace: string,
): PlannedImage[] {
  const known = new Map(
    (present?.status?.images ?? []).map((entry) => [`${entry.kernelVersion} ${entry.image}`, entry.state]),
  );
  const found = new Map<string, PlannedImage>();
  for (const { plans } of clusters) {
    for (const { kernel, image } of plans) {
      if (image === undefined) continue;
      const key = `${kernel} ${image}`;
      const entry = found.get(key) ?? {
        kernel,
        image,
        clusters: 0,
        madeBy: makerOf(after, kernel, operatorNamespace),
        known: known.get(key),
      };
      found.set(key, { ...entry, clusters: entry.clusters + 1 });
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

export function makerOf(
  revision: FleetPlan['after'],
  kernel: string,
  operatorNamespace: string,
): PlannedImage['madeBy'] {
  const answer = revision.resolve(kernel);
  if (answer.kind !== 'match') return 'Nobody';
  const recipe = revision.recipe(answer.mapping, operatorNamespace);
  if (recipe.kind === 'error') return 'InvalidRecipe';
  if (recipe.kind === 'none') return 'Nobody';
  const { build, sign } = recipe.recipe;
  if (build && sign) return 'BuildAndSign';
  return build ? 'Build' : 'Sign';
}
