import type { Rollout } from '@open-cluster-management/api-types';
import { oncePerPair } from '../../../shared/core/lasting.ts';
import { type Selector, selects } from '../../fleet/selection.ts';

/** A number of clusters, or a part of them. */
export type Share = { kind: 'number'; count: number } | { kind: 'percent'; percent: number };

/** How a new revision reaches the clusters of a module, in waves (contract 6). */
export interface Waves {
  /** In the order in which they are served; clusters that none selects come last. */
  groups: readonly { name: string; selector: Selector }[];
  /** How many may be on their way at once; undefined: all of a group. */
  maxConcurrency: Share | undefined;
  maxFailures: Share;
  /** Failures count within each group (ProgressivePerGroup), not over all of them. */
  perGroup: boolean;
}

/** Undefined: to all at once, and failures stop nobody. */
export function wavesOf(rollout: Rollout | undefined): Waves | undefined {
  const { type = 'All', maxConcurrency, maxFailures = 0, groups = [] } = rollout ?? {};
  if (type === 'All') return undefined;
  return {
    groups,
    maxConcurrency: maxConcurrency === undefined ? undefined : shareOf(maxConcurrency),
    maxFailures: shareOf(maxFailures),
    perGroup: type === 'ProgressivePerGroup',
  };
}

/**
 * Place of the first group that selects the cluster, or one past the last. Of the very objects that the caches hold: both
 * are made anew when they change.
 */
export const groupIndexOf = oncePerPair(({ groups }: Waves, labels: Selector): number => {
  const index = groups.findIndex(({ selector }) => selects(selector, labels));
  return index < 0 ? groups.length : index;
});

/** Undefined for those that no group selects. */
export function groupName({ groups }: Waves, index: number): string | undefined {
  return groups[index]?.name;
}

/** At least 1: a rollout that may move nobody would never end. */
export function concurrencyOf({ maxConcurrency }: Waves, total: number): number {
  return maxConcurrency === undefined ? total : Math.max(1, Math.ceil(countOf(maxConcurrency, total)));
}

export function failuresOf({ maxFailures }: Waves, total: number): number {
  return Math.floor(countOf(maxFailures, total));
}

function countOf(share: Share, total: number): number {
  return share.kind === 'number' ? share.count : (share.percent * total) / 100;
}

/** The schema admits digits with or without a percent sign. */
function shareOf(given: number | string): Share {
  const text = String(given);
  if (text.endsWith('%')) return { kind: 'percent', percent: Number(text.slice(0, -1)) };
  return { kind: 'number', count: Number(text) };
}
