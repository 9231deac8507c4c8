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
 * One entry per kernel and image of the selected clusters. Where their plans differ, the current revision's state is shown,
 * and of that the worst: clusters are looked at one after the other.
 */
export function imageStatuses(groups: readonly PlanGroup[], revision: string | undefined): ImageStatus[] {
  const found = new Map<string, { plan: KernelPlan; clusters: number }>();
  for (const { plans, clusters } of groups) {
    const seen = new Set<string>();
    for (const plan of plans) {
      if (plan.image === undefined) continue;
      const key = `${plan.kernel} ${plan.image}`;
      const known = found.get(key) ?? { plan, clusters: 0 };
      if (isRather(plan, known.plan, revision)) known.plan = plan;
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

function isRather(plan: KernelPlan, known: KernelPlan, revision: string | undefined): boolean {
  if (plan.revision !== revision) return false;
  return known.revision !== revision || rank(plan) < rank(known);
}

function rank({ state }: KernelPlan): number {
  return order.indexOf(state as ImageState);
}

function inTroubleFirst({ plan: a }: { plan: KernelPlan }, { plan: b }: { plan: KernelPlan }): number {
  const text = ({ kernel, image }: KernelPlan) => `${kernel} ${image}`;
  return rank(a) - rank(b) || (text(a) < text(b) ? -1 : 1);
}
