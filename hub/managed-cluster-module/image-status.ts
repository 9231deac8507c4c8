import type { ImageStatus } from '@open-cluster-management/api-types';
import { shortened } from '../../shared/core/conditions.ts';
import { limits } from '../../shared/core/limits.ts';
import type { KernelPlan } from './kernel-plan.ts';
import type { ClusterRecord } from './records.ts';

/** Images in trouble come first. */
const order = ['Failed', 'Missing', 'Unknown', 'Building', 'Signing', 'Checking', 'Unchecked', 'Verified'] as const;
type ImageState = (typeof order)[number];

const messageCharsMax = 512;
/** A name made of variables can be longer than any field of ours; one entry too long and no status is written at all. */
const imageCharsMax = limits.stringCharsMax;

interface Found {
  plan: KernelPlan;
  clusters: number;
}

/**
 * One entry per kernel and image of the selected clusters. While clusters are at different revisions that name an image
 * alike, the current one's state is shown.
 */
export function imageStatuses(selected: readonly ClusterRecord[], revision: string | undefined): ImageStatus[] {
  const found = new Map<string, Map<string, Found>>();
  for (const { plans } of selected) {
    for (const [index, plan] of plans.entries()) {
      if (plan.image === undefined) continue;
      const ofKernel = found.get(plan.kernel) ?? new Map<string, Found>();
      found.set(plan.kernel, ofKernel);
      const known = ofKernel.get(plan.image);
      const isCounted = plans.some(
        (other, at) => at < index && other.kernel === plan.kernel && other.image === plan.image,
      );
      const shown = known === undefined || plan.revision === revision ? plan : known.plan;
      ofKernel.set(plan.image, { plan: shown, clusters: (known?.clusters ?? 0) + (isCounted ? 0 : 1) });
    }
  }
  const all = [...found.values()].flatMap((ofKernel) => [...ofKernel.values()]);
  return all.sort(inTroubleFirst).map(({ plan, clusters }) => entryOf(plan, clusters));
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
