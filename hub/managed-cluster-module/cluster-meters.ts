import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import type { Gauge, Meters } from '../../shared/kube/runtime.ts';

type Rollout = NonNullable<ManagedClusterModuleStatus['rollout']>;

/** One series each a ManagedClusterModule; never one a cluster: a fleet has thousands. */
const states = {
  succeeded: 'Succeeded',
  progressing: 'Progressing',
  waiting: 'Waiting',
  failed: 'Failed',
  unreachable: 'Unreachable',
} satisfies Partial<Record<keyof Rollout, string>>;

/** How many clusters of each ManagedClusterModule are in which state, as its status says. */
export class ClusterMeters {
  readonly #clusters: Gauge;

  constructor(meters: Meters) {
    this.#clusters = meters.gauge({
      name: 'kmm_hub_clusters',
      help: 'Selected clusters of a ManagedClusterModule by state: Succeeded, Progressing, Waiting, Failed, Unreachable',
      labels: ['name', 'state'],
    });
  }

  tell(name: string, rollout: ManagedClusterModuleStatus['rollout']): void {
    for (const [field, state] of Object.entries(states)) {
      this.#clusters.set(rollout?.[field as keyof typeof states] ?? 0, { name, state });
    }
  }

  /** The ManagedClusterModule is going: its series too. */
  forget(name: string): void {
    for (const state of Object.values(states)) this.#clusters.remove({ name, state });
  }
}
