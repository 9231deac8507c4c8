import { parseReference } from '../../shared/registry/reference.ts';
import { counted, someOf } from './lines.ts';
import type { FleetPlan } from './plan.ts';
import type { Outcome } from './plan-sides.ts';

/**
 * Kernels of one cluster that the edit of imageCheck is about. To Skip: those that would wait for their images else. To
 * Required: those that go on being shipped by name, because a mapping that was shipped stays. Pure.
 */
export function shippedByName({ picture, mappings }: Outcome, unedited: Outcome | undefined): string[] {
  if (unedited === undefined) return [];
  const anyway = new Set(unedited.mappings.map(({ literal }) => literal));
  const isMeant =
    picture.module.images.imageCheck === 'Skip'
      ? ({ literal }: Outcome['mappings'][number]) => !anyway.has(literal)
      : ({ containerImage }: Outcome['mappings'][number]) => !hasDigest(containerImage);
  return mappings.filter(isMeant).map(({ literal }) => literal);
}

function hasDigest(image: string): boolean {
  const parsed = parseReference(image);
  return parsed.kind === 'reference' && parsed.reference.digest !== undefined;
}

export interface ImageCheckChange {
  from: FleetPlan['view']['imageCheck'];
  to: FleetPlan['view']['imageCheck'];
  /** With the kernels that are meant. */
  byName: { cluster: string; kernels: readonly string[] }[];
}

/** Undefined where it stays, or the object is new. */
export function imageCheckChange({ view, old, clusters }: FleetPlan): ImageCheckChange | undefined {
  if (old === undefined || old.imageCheck === view.imageCheck) return undefined;
  const meant = clusters.filter(({ byName }) => byName.length > 0);
  const byName = meant.map(({ cluster, byName: kernels }) => ({ cluster, kernels }));
  return { from: old.imageCheck, to: view.imageCheck, byName };
}

const meanings = {
  Skip: {
    rule: 'what is added from now on is shipped by name, without looking whether its image is there',
    byName: 'get at once what the hub does not know to be there',
  },
  Required: {
    rule: 'what is added from now on waits until its image is seen in the registry, and is shipped by digest',
    byName: 'keep until the next version what was shipped by name',
  },
} as const;

export function imageCheckLines(plan: FleetPlan): string[] {
  const change = imageCheckChange(plan);
  if (change === undefined) return [];
  const { rule, byName: meaning } = meanings[change.to];
  const whom = change.byName.map(({ cluster, kernels }) => `${cluster} (${someOf(kernels)})`);
  const clusters = whom.length === 0 ? [] : [`  ${counted(whom.length, 'cluster')} would ${meaning}: ${someOf(whom)}`];
  return ['', `imageCheck ${change.from} → ${change.to}: ${rule}`, ...clusters];
}
