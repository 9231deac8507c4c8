/** What one cluster may make the hub do by naming kernels (contract 7): each new one is looked up, and later built. */
export const intakeLimits = {
  /** New kernels taken from a cluster within `windowMs`; a first claim may be full. */
  newKernelsMax: 64,
  windowMs: 3_600_000,
  /** Kernels remembered of a cluster, so that going back to one is not new; the longest unseen go first. */
  rememberedMax: 256,
} as const;

export interface Intake {
  /** Kernels that are put off. */
  deferred: string[];
  /** When the next of them can be taken; undefined when there is none. */
  retryMs: number | undefined;
}

/** Lets new kernels of each cluster in at a bounded rate. In memory only. Cost: the kernels of the cluster that is asked about. */
export class KernelIntake {
  /** Cluster → kernel → when it was new. */
  #taken = new Map<string, Map<string, number>>();

  take(cluster: string, kernels: readonly string[], passedMs: number): Intake {
    const taken = this.#taken.get(cluster) ?? new Map<string, number>();
    const recent = [...taken.values()].filter((takenMs) => passedMs - takenMs < intakeLimits.windowMs);
    let room = intakeLimits.newKernelsMax - recent.length;
    const deferred: string[] = [];
    for (const kernel of kernels) {
      const takenMs = taken.get(kernel);
      if (takenMs === undefined && room-- <= 0) {
        deferred.push(kernel);
        continue;
      }
      // A Map iterates in order of insertion: what is seen again moves to the end.
      taken.delete(kernel);
      taken.set(kernel, takenMs ?? passedMs);
    }
    for (const kernel of taken.keys()) {
      if (taken.size <= intakeLimits.rememberedMax) break;
      taken.delete(kernel);
    }
    if (taken.size > 0) this.#taken.set(cluster, taken);
    const retryMs =
      deferred.length === 0 ? undefined : Math.min(...recent, passedMs) + intakeLimits.windowMs - passedMs;
    return { deferred, retryMs };
  }

  forget(cluster: string): void {
    this.#taken.delete(cluster);
  }
}
