import type { KernelPlan } from './kernel-plan.ts';
import type { ClusterRecord } from './records.ts';

/** Clusters with the same plans. */
export interface PlanGroup {
  plans: readonly KernelPlan[];
  clusters: number;
  /** The first of them. */
  exampleCluster: string;
}

/**
 * Thousands of clusters run the same few kernels, and equal plans are one object (`planKernel`): what a status says of
 * plans is counted by group. In the order of their first clusters. Cost: clusters × kernels, one look-up each.
 */
export function planGroups(records: readonly ClusterRecord[]): PlanGroup[] {
  const groups = new Map<KernelPlan | string, PlanGroup>();
  const numbers = new Map<KernelPlan, number>();
  const numberOf = (plan: KernelPlan) => {
    const known = numbers.get(plan);
    if (known === undefined) numbers.set(plan, numbers.size);
    return known ?? numbers.size - 1;
  };
  for (const { cluster, plans } of records) {
    const [first] = plans;
    if (first === undefined) continue;
    const key = plans.length === 1 ? first : plans.map(numberOf).join();
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { plans, clusters: 1, exampleCluster: cluster });
    else known.clusters += 1;
  }
  return [...groups.values()];
}
