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
  #problems = new Map<string, Problem>();
  /** Generation with which all clusters of the module were last asked for. */
  #begun = new Map<string, number>();
  #onChange: (module: string) => void;

  constructor(onChange: (module: string) => void) {
    this.#onChange = onChange;
  }

  /** A cluster that must be looked at before the module's status can be told. */
  expect(module: string, cluster: string): void {
    const records = this.#of(module);
    if (!records.has(cluster)) records.set(cluster, undefined);
  }

  /** All clusters are expected that `generation` concerns: from now on the records tell its status. */
  begin(module: string, generation: number): void {
    this.#of(module);
    this.#begun.set(module, generation);
    this.#onChange(module);
  }

  /** What is wrong with the module itself, beside its spec. */
  setProblem(module: string, problem: Problem | undefined): void {
    if (this.#problems.get(module)?.message === problem?.message) return;
    if (problem === undefined) this.#problems.delete(module);
    else this.#problems.set(module, problem);
    this.#onChange(module);
  }

  problem(module: string): Problem | undefined {
    return this.#problems.get(module);
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
    this.#begun.delete(module);
    this.#problems.delete(module);
  }

  /** Names of all clusters that were ever expected or recorded. */
  clusters(module: string): Iterable<string> {
    return this.#byModule.get(module)?.keys() ?? [];
  }

  /**
   * The records, and how many clusters nobody looked at since `generation`. Undefined while it is not even known which
   * clusters that generation concerns.
   */
  snapshot(module: string, generation: number): { records: ClusterRecord[]; outdated: number } | undefined {
    if (this.#begun.get(module) !== generation) return undefined;
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
