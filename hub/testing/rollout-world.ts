import type {
  ManagedCluster,
  ManagedClusterModule,
  ManifestWork,
  ModuleSpec,
} from '@open-cluster-management/api-types';
import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { annotations } from '../../shared/kube/names.ts';
import type { ControllerRevision, KubeObject } from '../../shared/kube/object.ts';
import { ownerOf } from '../../shared/kube/ownership.ts';
import { Store } from '../../shared/kube/store.ts';
import { VirtualClock } from '../../shared/testing/virtual-clock.ts';
import { KernelIntake } from '../fleet/kernel-intake.ts';
import { clusterReconcile } from '../managed-cluster-module/cluster-controller.ts';
import { Demand } from '../managed-cluster-module/demand.ts';
import { Digests } from '../managed-cluster-module/digests.ts';
import type { Fleet } from '../managed-cluster-module/gather.ts';
import { ModuleViews } from '../managed-cluster-module/module-view.ts';
import { type ClusterRecord, Records } from '../managed-cluster-module/records.ts';
import { RevisionViews } from '../managed-cluster-module/revision.ts';
import { revisionName } from '../managed-cluster-module/revisions.ts';
import { rolloutReconcile } from '../managed-cluster-module/rollout/rollout-controller.ts';
import { Rollouts } from '../managed-cluster-module/rollout/rollouts.ts';
import { UnderWay } from '../managed-cluster-module/under-way.ts';
import { UnlabelledWorks } from '../managed-cluster-module/unlabelled-works.ts';
import { workLabel } from '../managed-cluster-module/work.ts';
import { answered, digest, managedCluster, moduleSpec, nowText, spokeNamespace } from './pictures.ts';

type Rollout = ManagedClusterModule['spec']['rollout'];

/** Versions that differ in nothing that a cluster waits for. */
export const [before, present] = [1, 2].map((imageRebuildTriggerGeneration) =>
  moduleSpec({ imageRebuildTriggerGeneration }),
) as [ModuleSpec, ModuleSpec];

/**
 * A module that goes in waves and its clusters, whose API server is a store: looks at clusters and decisions of whose turn
 * it is happen when a test says so.
 */
export class RolloutWorld {
  readonly clock = new VirtualClock(Date.parse(nowText));
  /** What the API server holds. */
  readonly server = new Store<ManifestWork>();
  /** What the hub's watch has shown of it. */
  readonly works = new Store<ManifestWork>();
  readonly clusters = new Store<ManagedCluster>();
  readonly modules = new Store<ManagedClusterModule>();
  /** The watch lags: what is written is not seen. */
  lags = false;
  /** Called before a write is stored; what it throws is the server's answer. */
  onWrite: (work: ManifestWork) => void = () => undefined;
  /** Called after it was stored: an answer that gets lost. */
  onWritten: (work: ManifestWork) => void = () => undefined;
  readonly #looks = new Set<string>();
  readonly #records = new Records(() => undefined);
  readonly #look: (key: string) => Promise<unknown>;
  readonly #rollout: (name: string) => Promise<unknown>;
  #module: ManagedClusterModule;

  constructor(rollout: Rollout, clusters: readonly string[], labels: Record<string, Record<string, string>> = {}) {
    this.#module = {
      apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
      kind: 'ManagedClusterModule',
      metadata: { name: 'm', uid: 'u', generation: 1 },
      spec: { selector: {}, spokeNamespace, moduleSpec: before, ...(rollout === undefined ? {} : { rollout }) },
    };
    this.modules.set(this.#module);
    for (const name of clusters) {
      this.clusters.set(managedCluster({ name, kernels: ['5.14.0-1'], labels: labels[name] ?? {} }));
    }
    const revisions = new Store<ControllerRevision>();
    for (const spec of [before, present]) revisions.set(this.#recorded(spec));
    const rollouts = new Rollouts();
    const fleet = {
      modules: this.modules,
      clusters: this.clusters,
      works: this.works,
      revisions,
      namespace: 'hub',
      moduleViews: new ModuleViews(),
      revisionViews: new RevisionViews(),
      intake: new KernelIntake(),
      unlabelled: new UnlabelledWorks(),
      rollouts,
      digests: new Digests({ ofRevision: () => [] }),
      images: { state: () => ({ state: 'Verified', digest: digest('x') }) },
      nowMs: () => this.clock.now(),
      passedMs: () => this.clock.passed(),
    } as unknown as Fleet;
    const write = async (_: unknown, work: ManifestWork) => this.#store(work);
    const get = async (_: unknown, at: { namespace?: string; name: string }) => this.server.get(at);
    const client = { create: write, replace: write, get } as unknown as KubeClient;
    const demand = new Demand({ want: () => undefined, forget: () => undefined, warnings: () => [] });
    const records = this.#records;
    this.#look = clusterReconcile({
      client,
      fleet,
      demand,
      records,
      underWay: new UnderWay(this.clock),
    });
    this.#rollout = rolloutReconcile({ fleet, records, rollouts, look: (key) => this.#looks.add(key) });
    this.edit({});
  }

  /** All that is to be done is done; the watch shows everything, unless it lags. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; idle = this.#looks.size === 0 ? idle + 1 : 0) {
      await this.decide();
      await this.look();
    }
  }

  async decide(): Promise<void> {
    this.clock.skip(200);
    await this.#rollout('m');
  }

  /** Those that were asked for, or these. What is thrown is tried again by the next one. */
  async look(...clusters: string[]): Promise<void> {
    const keys = clusters.length > 0 ? clusters.map((name) => `m/${name}`) : [...this.#looks];
    for (const key of keys) {
      this.#looks.delete(key);
      await this.#look(key).catch((error: unknown) => {
        if (!(error instanceof KubeError)) throw error;
      });
    }
  }

  /** Of the ManagedClusterModule: everyone is looked at with what it says now. */
  edit(spec: Partial<ManagedClusterModule['spec']>): void {
    const { metadata } = this.#module;
    this.#module = {
      ...this.#module,
      metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 },
      spec: { ...this.#module.spec, ...spec },
    };
    this.modules.set(this.#module);
    for (const { metadata: of } of this.clusters.list()) {
      this.#records.expect('m', { cluster: of.name, selected: true });
      this.#looks.add(`m/${of.name}`);
    }
    this.#records.begin('m', this.#module.metadata.generation ?? 0);
  }

  /** What a cluster says of the state that its work ships: nodes desired, loaded, failed, unreachable. */
  report(cluster: string, nodes: [number, number, number, number], kernels: string[] = []): void {
    const work = this.work(cluster);
    const state = work.metadata.annotations?.[annotations.state] ?? '';
    const { generation = 1 } = work.metadata;
    const report = JSON.stringify({ v: 1, nodes, ...(kernels.length === 0 ? {} : { unmapped: kernels }) });
    const seen = answered(work, { state, report }, { generation });
    this.server.set(seen);
    this.works.set(seen);
    this.#looks.add(`m/${cluster}`);
  }

  available(name: string, available: 'True' | 'Unknown'): void {
    const changed = new Date(this.clock.now()).toISOString();
    this.clusters.set(managedCluster({ name, kernels: ['5.14.0-1'], available, changed }));
    this.#looks.add(`m/${name}`);
  }

  work(cluster: string): ManifestWork {
    const work = this.server.get({ namespace: cluster, name: 'm' });
    if (work === undefined) throw new Error(`expected a work of cluster ${cluster}, got none`);
    return work;
  }

  record(cluster: string): ClusterRecord | undefined {
    return this.#records.snapshot('m', this.#module.metadata.generation ?? 0)?.find((each) => each.cluster === cluster);
  }

  /** The clusters whose works, as the server has them, are of the version. */
  at(spec: ModuleSpec): string[] {
    const works = this.server.list().filter(({ metadata }) => {
      return metadata.annotations?.[annotations.revision] === revisionName('m', spec);
    });
    return works.map(({ metadata }) => metadata.namespace ?? '').sort();
  }

  /** The watch has caught up. */
  catchUp(): void {
    this.lags = false;
    for (const work of this.server.list()) {
      this.works.set(work);
      this.#looks.add(`m/${work.metadata.namespace}`);
    }
  }

  #store(work: ManifestWork): ManifestWork {
    this.onWrite(work);
    const at = { namespace: work.metadata.namespace ?? '', name: 'm' };
    const { resourceVersion } = this.server.get(at)?.metadata ?? {};
    if (resourceVersion !== work.metadata.resourceVersion) throw new KubeError(409, 'Conflict', 'it was changed');
    const version = String(Number(resourceVersion ?? 0) + 1);
    const generation = Number(work.metadata.generation ?? 0) + 1;
    const stored = { ...work, metadata: { ...work.metadata, resourceVersion: version, generation } };
    this.server.set(stored);
    if (!this.lags) {
      this.works.set(stored);
      this.#looks.add(`m/${at.namespace}`);
    }
    this.onWritten(work);
    return stored;
  }

  #recorded(spec: ModuleSpec): ControllerRevision {
    const name = revisionName('m', spec);
    const metadata: KubeObject['metadata'] = {
      name,
      namespace: 'hub',
      labels: workLabel('m'),
      ownerReferences: [{ ...ownerOf(this.#module), controller: true }],
    };
    return { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, data: { moduleSpec: spec }, revision: 1 };
  }
}
