/** Of which version of the module, and under which rules, it was decided. */
export interface Turn {
  revision: string;
  /** Of the ManagedClusterModule: who was let go under other rules is let go no more. */
  generation: number;
}

interface Decided extends Turn {
  admitted: ReadonlySet<string>;
  /** The revision was sent there, which the watch may not show yet: who sees the work as it was must not free the place. */
  sent: Set<string>;
}

/** Who may get the present revision of each module: what `rollout-controller.ts` decided and the looks at clusters ask. */
export class Rollouts {
  #decided = new Map<string, Decided>();

  /** Replaces what was decided; returns those who may start now and could not before. */
  admit(module: string, turn: Turn, { admitted, moving }: Record<'admitted' | 'moving', readonly string[]>): string[] {
    const isNews = (cluster: string) => !this.mayStart(module, turn, cluster);
    const news = admitted.filter(isNews);
    const sent = [...admitted, ...moving].filter((cluster) => this.wasSent(module, turn.revision, cluster));
    this.#decided.set(module, { ...turn, admitted: new Set(admitted), sent: new Set(sent) });
    return news;
  }

  mayStart(module: string, { revision, generation }: Turn, cluster: string): boolean {
    const known = this.#of(module, revision);
    if (known === undefined) return false;
    return known.sent.has(cluster) || (known.generation === generation && known.admitted.has(cluster));
  }

  /** A work of the revision was sent for the cluster, and nobody said that it was refused. */
  sent(module: string, revision: string, cluster: string): void {
    this.#of(module, revision)?.sent.add(cluster);
  }

  wasSent(module: string, revision: string | undefined, cluster: string): boolean {
    return this.#of(module, revision)?.sent.has(cluster) ?? false;
  }

  forget(module: string): void {
    this.#decided.delete(module);
  }

  #of(module: string, revision: string | undefined): Decided | undefined {
    const known = this.#decided.get(module);
    return known?.revision === revision ? known : undefined;
  }
}
