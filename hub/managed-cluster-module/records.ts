import type { KernelInventory } from '../../shared/kernel/claims.ts';
import type { KernelPlan } from './kernel-plan.ts';
import type { Problem } from './reasons.ts';

/** What the hub knows of one cluster in one ManagedClusterModule: the result of its last look at it. */
export interface ClusterRecord extends Problem {
  cluster: string;
  /** Generation of the ManagedClusterModule that it was looked at with; another one makes the record outdated. */
  generation: number;
  selected: boolean;
  phase: 'Waiting' | 'Progressing' | 'Succeeded' | 'Failed' | 'Unreachable';
  reporting: 'Full' | 'CountsOnly' | 'NothingReported' | undefined;
  /** The work holds the current revision. */
  updated: boolean;
  /** Undefined without a work of ours. */
  work: { applied: boolean; degraded: boolean } | undefined;
  plans: readonly KernelPlan[];
  /** Things to be known beside the reason: problems of the inventory, kernels left out, failures of writing. */
  notices: readonly Problem[];
  ignored: Pick<KernelInventory, 'ignored' | 'moreIgnored'>;
}

/**
 * The records of all clusters, by module. In memory only: a restart looks at every cluster once, which costs no request.
 */
export class Records {
  #byModule = new Map<string, Map<string, ClusterRecord | undefined>>();
  #onChange: (module: string) => void;

  constructor(onChange: (module: string) => void) {
    this.#onChange = onChange;
  }

  /** A cluster that must be looked at before the module's status can be told. */
  expect(module: string, cluster: string): void {
    const records = this.#of(module);
    if (!records.has(cluster)) records.set(cluster, undefined);
  }

  set(module: string, record: ClusterRecord): void {
    this.#of(module).set(record.cluster, record);
    this.#onChange(module);
  }

  remove(module: string, cluster: string): void {
    if (this.#byModule.get(module)?.delete(cluster)) this.#onChange(module);
  }

  forget(module: string): void {
    this.#byModule.delete(module);
  }

  /** Names of all clusters that were ever expected or recorded. */
  clusters(module: string): Iterable<string> {
    return this.#byModule.get(module)?.keys() ?? [];
  }

  /** The records, and how many clusters nobody looked at since `generation`. */
  snapshot(module: string, generation: number): { records: ClusterRecord[]; outdated: number } {
    const records: ClusterRecord[] = [];
    let outdated = 0;
    for (const record of this.#byModule.get(module)?.values() ?? []) {
      if (record !== undefined) records.push(record);
      if (record === undefined || record.generation !== generation) outdated += 1;
    }
    return { records, outdated };
  }

  #of(module: string): Map<string, ClusterRecord | undefined> {
    const present = this.#byModule.get(module);
    if (present !== undefined) return present;
    const made = new Map<string, ClusterRecord | undefined>();
    this.#byModule.set(module, made);
    return made;
  }
}
