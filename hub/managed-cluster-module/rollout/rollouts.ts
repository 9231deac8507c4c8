/** Who may get the present revision of each module: what `rollout-controller.ts` decided and the looks at clusters ask. */
export class Rollouts {
  #admitted = new Map<string, { revision: string; clusters: ReadonlySet<string> }>();

  /** Replaces what was decided; returns those who may start now and could not before. */
  admit(module: string, revision: string, clusters: readonly string[]): string[] {
    const before = this.#of(module, revision);
    this.#admitted.set(module, { revision, clusters: new Set(clusters) });
    return clusters.filter((cluster) => !before.has(cluster));
  }

  mayStart(module: string, revision: string, cluster: string): boolean {
    return this.#of(module, revision).has(cluster);
  }

  forget(module: string): void {
    this.#admitted.delete(module);
  }

  #of(module: string, revision: string): ReadonlySet<string> {
    const known = this.#admitted.get(module);
    return known?.revision === revision ? known.clusters : nobody;
  }
}

const nobody: ReadonlySet<string> = new Set();
