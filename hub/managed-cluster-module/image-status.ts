import type { ImageStatus } from '@open-cluster-management/api-types';
import { shortened } from '../../shared/core/conditions.ts';
import { limits } from '../../shared/core/limits.ts';
import type { KernelPlan } from './kernel-plan.ts';
import type { PlanGroup } from './plan-groups.ts';

/** Images in trouble come first. */
const order = ['Failed', 'Missing', 'Unknown', 'Building', 'Signing', 'Checking', 'Unchecked', 'Verified'] as const;
type ImageState = (typeof order)[number];

const messageCharsMax = 512;
/** A name made of variables can be longer than any field of ours; one entry too long and no status is written at all. */
const imageCharsMax = limits.stringCharsMax;

/**
 * One entry per kernel and image of the selected clusters. While clusters are at different revisions that name an image
 * alike, the current one's state is shown.
 */
export function imageStatuses(groups: readonly PlanGroup[], revision: string | undefined): ImageStatus[] {
  const found = new Map<string, { plan: KernelPlan; clusters: number }>();
  for (const { plans, clusters } of groups) {
    const seen = new Set<string>();
    for (const plan of plans) {
      if (plan.image === undefined) continue;
      const key = `${plan.kernel} ${plan.image}`;
      const known = found.get(key) ?? { plan, clusters: 0 };
      if (plan.revision === revision) known.plan = plan;
      if (!seen.has(key)) known.clusters += clusters;
      found.set(key, known);
      seen.add(key);
    }
  }
  return [...found.values()].sort(inTroubleFirst).map(({ plan, clusters }) => entryOf(plan, clusters));
}

function entryOf(plan: KernelPlan, clusters: number): ImageStatus {
  const { kernel: kernelVersion, image = '', digest, reason, message } = plan;
  const isFine = plan.state === 'Verified';
  return {
    kernelVersion,
    image: shortened(image, imageCharsMax),
    ...(digest === undefined ? {} : { digest }),
    state: plan.state as ImageState,
    ...(isFine ? {} : { reason, message: shortened(message, messageCharsMax) }),
    clusters,
  };
}

function inTroubleFirst(a: { plan: KernelPlan }, b: { plan: KernelPlan }): number {
  const rank = ({ plan }: { plan: KernelPlan }) => order.indexOf(plan.state as ImageState);
  const text = ({ plan }: { plan: KernelPlan }) => `${plan.kernel} ${plan.image}`;
  return rank(a) - rank(b) || (text(a) < text(b) ? -1 : 1);
}
