import type { KernelInventory } from '../../shared/kernel/claims.ts';
import type { KernelPlan } from './kernel-plan.ts';
import { type Problem, reasons } from './reasons.ts';
import type { Stage } from './rollout/admit.ts';

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
  /** Where it stands in the rollout, which does not forget that it succeeded once, or failed. */
  stage: Stage;
  /** Undefined without a work of ours. */
  work: { applied: boolean; degraded: boolean } | undefined;
  /** Kernels that its nodes will boot. */
  upcoming: readonly UpcomingRecord[];
  plans: readonly KernelPlan[];
  /** Things to be known beside the reason: problems of the inventory, kernels left out, failures of writing. */
  notices: readonly Problem[];
  ignored: Pick<KernelInventory, 'ignored' | 'moreIgnored'>;
}

/** Whether a node would have the module on a kernel that it does not run yet; else why not. */
export interface UpcomingRecord {
  kernel: string;
  problem: Problem | undefined;
}

/** What is known of a module's clusters. */
interface ModuleRecords {
  byCluster: Map<string, ClusterRecord>;
  /** By name. */
  sorted: boolean;
  /** With which all clusters of the module were last asked for. */
  generation: number | undefined;
  /** Records of another generation. */
  outdated: number;
}

/**
 * The records of all clusters, by module. In memory only: a restart looks at every cluster once, which costs no request.
 * Cost: nothing depends on the number of clusters but `begin` and `snapshot`.
 */
export class Records {
  #byModule = new Map<string, ModuleRecords>();
  #problems = new Map<string, Problem>();
  #onChange: (module: string) => void;

  constructor(onChange: (module: string) => void) {
    this.#onChange = onChange;
  }

  /** A cluster that must be looked at before the module's status can be told. */
  expect(module: string, { cluster, selected }: { cluster: string; selected: boolean }): void {
    if (!this.#of(module).byCluster.has(cluster)) this.#put(module, unseen(cluster, selected));
  }

  /** All clusters are expected that `generation` concerns: from now on the records tell its status. */
  begin(module: string, generation: number): void {
    const of = this.#of(module);
    of.generation = generation;
    of.outdated = [...of.byCluster.values()].filter((record) => record.generation !== generation).length;
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
    this.#put(module, record);
    this.#onChange(module);
  }

  remove(module: string, cluster: string): void {
    const of = this.#byModule.get(module);
    const record = of?.byCluster.get(cluster);
    if (of === undefined || record === undefined) return;
    of.byCluster.delete(cluster);
    if (record.generation !== of.generation) of.outdated -= 1;
    this.#onChange(module);
  }

  forget(module: string): void {
    this.#byModule.delete(module);
    this.#problems.delete(module);
  }

  /** Names of all clusters that were ever expected or recorded. */
  clusters(module: string): Iterable<string> {
    return this.#byModule.get(module)?.byCluster.keys() ?? [];
  }

  get(module: string, cluster: string): ClusterRecord | undefined {
    return this.#byModule.get(module)?.byCluster.get(cluster);
  }

  /** How many clusters nobody looked at since the last `begin`. */
  outdated(module: string): number {
    return this.#byModule.get(module)?.outdated ?? 0;
  }

  /** The cluster was looked at since the last `begin`. */
  isPresent(module: string, cluster: string): boolean {
    return this.get(module, cluster)?.generation === this.#byModule.get(module)?.generation;
  }

  /** By name. Undefined while it is not even known which clusters `generation` concerns. */
  snapshot(module: string, generation: number): ClusterRecord[] | undefined {
    const of = this.#byModule.get(module);
    if (of?.generation !== generation) return undefined;
    // A Map keeps its order: once it is by name, it stays so until a cluster comes.
    if (!of.sorted) {
      of.byCluster = new Map([...of.byCluster].sort(([a], [b]) => (a < b ? -1 : 1)));
      of.sorted = true;
    }
    return [...of.byCluster.values()];
  }

  #put(module: string, record: ClusterRecord): void {
    const of = this.#of(module);
    const before = of.byCluster.get(record.cluster);
    if (before !== undefined && before.generation !== of.generation) of.outdated -= 1;
    if (record.generation !== of.generation) of.outdated += 1;
    if (before === undefined) of.sorted = false;
    of.byCluster.set(record.cluster, record);
  }

  #of(module: string): ModuleRecords {
    const present = this.#byModule.get(module);
    if (present !== undefined) return present;
    const made = { byCluster: new Map(), sorted: false, generation: undefined, outdated: 0 };
    this.#byModule.set(module, made);
    return made;
  }
}

/** Of no generation, so it counts as waiting. */
export function unseen(cluster: string, selected: boolean): ClusterRecord {
  return {
    cluster,
    generation: -1,
    selected,
    phase: 'Waiting',
    reason: reasons.waiting,
    message: 'was not looked at yet',
    reporting: undefined,
    updated: false,
    stage: 'Pending',
    work: undefined,
    upcoming: [],
    plans: [],
    notices: [],
    ignored: { ignored: [], moreIgnored: 0 },
  };
}
