import { limits } from '../../shared/core/limits.ts';
import type { KernelInventory } from '../../shared/kernel/claims.ts';
import { isKernelVersion, withoutPlus } from '../../shared/kernel/version.ts';
import { type Problem, reasons } from '../managed-cluster-module/reasons.ts';
import { intakeLimits } from './kernel-intake.ts';

/** Where the hub learns which kernels a cluster runs (contract 7). */
export interface KernelSources {
  inventory: KernelInventory;
  /** From the report: kernels without mapping, and kernels that nodes run. Hostile text. */
  reported: readonly string[];
  /** Literals of the present work: what the cluster ran when it was last known. */
  shipped: readonly string[];
  /** Kernels that somebody says its nodes will boot. */
  upcoming?: readonly string[];
  /** Kernels that are put off, because the cluster named too many new ones. */
  deferred?: readonly string[];
}

export interface KnownKernels {
  /** Nodes run them, as far as one can know: a change of revision waits for all of them. Sorted. */
  running: string[];
  /** In the present work but claimed by nobody while the claim is whole: kept, but nothing waits for their images. */
  lastKnown: string[];
  /** Nodes will boot them, and none runs them yet. A change of revision waits for none that the cluster has not. */
  upcoming: string[];
  /** Why this may not be all. */
  problems: Problem[];
}

/**
 * Unites what is known of a cluster's kernels. While the claim is missing, empty, incomplete or too long, the kernels of the
 * present work count as running: an inventory that vanishes must not take a driver away.
 */
export function knownKernels({
  inventory,
  reported,
  shipped,
  upcoming = [],
  deferred = [],
}: KernelSources): KnownKernels {
  const running = claimedKernels({ inventory, reported });
  for (const kernel of deferred) running.delete(kernel);
  const isCut = inventory.ignored.some(({ reason }) => reason !== 'NotAKernelVersion');
  const doubtful = !inventory.complete || isCut || inventory.kernels.length === 0;
  for (const kernel of doubtful ? shipped : []) {
    if (running.size < limits.kernelMappingsMax) running.add(kernel);
  }
  const ahead = new Set(upcoming.filter((kernel) => !running.has(kernel)));
  return {
    running: [...running].sort(),
    lastKnown: [...new Set(shipped)].filter((kernel) => !running.has(kernel) && !ahead.has(kernel)).sort(),
    upcoming: [...ahead].sort(),
    problems: [...inventoryProblems(inventory), ...deferralProblems(deferred)],
  };
}

/** What a cluster says that it runs. */
export function claimedKernels({ inventory, reported }: Pick<KernelSources, 'inventory' | 'reported'>): Set<string> {
  const claimed = new Set(inventory.kernels);
  for (const kernel of reported.filter(isKernelVersion).map(withoutPlus)) {
    if (claimed.size < limits.kernelsPerClusterMax) claimed.add(kernel);
  }
  return claimed;
}

function deferralProblems(deferred: readonly string[]): Problem[] {
  if (deferred.length === 0) return [];
  const more = deferred.length > deferredNamedMax ? ` and ${deferred.length - deferredNamedMax} more` : '';
  const named = deferred.slice(0, deferredNamedMax).join(', ');
  const message = `names more than ${intakeLimits.newKernelsMax} new kernels within an hour; put off: ${named}${more}`;
  return [{ reason: reasons.kernelsDeferred, message }];
}

const deferredNamedMax = 3;

function inventoryProblems(inventory: KernelInventory): Problem[] {
  const problems: Problem[] = [];
  if (!inventory.claimed) {
    const message = 'reports no kernels: its kernel claim is missing (does the spoke program run there?)';
    problems.push({ reason: reasons.noKernelClaim, message });
  } else if (inventory.kernels.length === 0) {
    problems.push({ reason: reasons.noKernels, message: 'its kernel claim names no usable kernel version' });
  } else if (!inventory.complete) {
    const message =
      'a part of its kernel claims is missing (too many kernels, or claims cut by the registration agent)';
    problems.push({ reason: reasons.claimIncomplete, message });
  }
  if (inventory.ignored.length > 0) {
    const named = inventory.ignored.map(({ text, reason }) => `${JSON.stringify(text)} (${reason})`).join(', ');
    const more = inventory.moreIgnored > 0 ? ` and ${inventory.moreIgnored} more` : '';
    problems.push({ reason: reasons.kernelsIgnored, message: `ignored in its kernel claims: ${named}${more}` });
  }
  return problems;
}
