import { managedClusterModules, managedClusters, manifestWorks } from '@open-cluster-management/api-types';
import { together } from '../shared/core/together.ts';
import { programRegistry } from '../shared/images/program-registry.ts';
import { Cache } from '../shared/kube/cache.ts';
import type { KubeClient } from '../shared/kube/client.ts';
import { type RunningController, startController } from '../shared/kube/controller.ts';
import { EventRecorder } from '../shared/kube/events.ts';
import { labels } from '../shared/kube/names.ts';
import { withPace } from '../shared/kube/paced.ts';
import { withoutRepeats } from '../shared/kube/repeats.ts';
import { controllerRevisions, secrets } from '../shared/kube/resources.ts';
import type { Runtime } from '../shared/kube/runtime.ts';
import { imageVerifier } from '../shared/making/image-verifier.ts';
import { makingSettings } from '../shared/making/settings.ts';
import { countModules } from '../shared/meters/module-meters.ts';
import type { Running } from '../shared/process/life.ts';
import type { HubConfig } from './config.ts';
import { type Caches, hubControllers, indexes } from './controllers.ts';
import { slimCluster } from './fleet/cluster.ts';
import { KernelIntake } from './fleet/kernel-intake.ts';
import { hubImages } from './images/start.ts';
import { ClusterMeters } from './managed-cluster-module/cluster-meters.ts';
import { Demand } from './managed-cluster-module/demand.ts';
import { Digests } from './managed-cluster-module/digests.ts';
import type { Fleet } from './managed-cluster-module/gather.ts';
import { ModuleViews } from './managed-cluster-module/module-view.ts';
import { startOrphan } from './managed-cluster-module/orphan/controllers.ts';
import { Records } from './managed-cluster-module/records.ts';
import { RevisionViews } from './managed-cluster-module/revision.ts';
import { Rollouts } from './managed-cluster-module/rollout/rollouts.ts';
import { UnderWay } from './managed-cluster-module/under-way.ts';
import { UnlabelledWorks } from './managed-cluster-module/unlabelled-works.ts';
import { alikeWorks } from './managed-cluster-module/work.ts';

export interface HubOptions {
  config: HubConfig;
  /** OPERATOR_NAMESPACE: of ControllerRevisions, and of the Secrets that specs name. */
  namespace: string;
  client: KubeClient;
  runtime: Runtime;
  signal: AbortSignal;
  /** Names this process in events. */
  identity: string;
  /** PEM certificates that registries are trusted with, beside the system's: the content of `registry.caFile`. */
  registryCa?: string | undefined;
}

/** Runs the hub until `signal` aborts. Only a leader may be started: nothing here asks for a lease. */
export async function startHub(options: HubOptions): Promise<Running> {
  const { config, namespace, runtime, signal } = options;
  const pace = { writesPerSecond: config.writesPerSecond, clock: runtime.clock, signal };
  const client = withoutRepeats(withPace(options.client, pace), runtime.clock);
  const caches = makeCaches(options);
  countModules(caches.modules, runtime.meters, ({ metadata: { name }, spec }) => ({
    name,
    namespace: spec?.spokeNamespace ?? '',
    spec: spec?.moduleSpec,
  }));
  const registry = programRegistry({ runtime, config: config.registry, extraCa: options.registryCa });
  // The controllers wake each other; they exist when the first of these is called.
  const running: Partial<Record<'module' | 'cluster' | 'rollout' | 'status', RunningController>> = {};
  const look = (key: string) => running.cluster?.enqueue(key);
  const events = new EventRecorder({ client, runtime, controller: 'kmm-hub', instance: options.identity });
  const lookUp = {
    registry,
    readSecret: (of: string, name: string) => client.get(secrets, { namespace: of, name }),
    strictSecrets: config.strictSecrets,
  };
  const moduleViews = new ModuleViews();
  const images = hubImages({
    client,
    runtime,
    namespace,
    mayBeOpenShift: true,
    lookUp,
    verify: imageVerifier({ ...lookUp, clock: runtime.clock, concurrency: config.registry.concurrency }),
    settings: makingSettings(config),
    modules: caches.modules,
    shipped: caches,
    moduleViews,
    events,
    onChange: (tokens) => demand.waitingFor(tokens).forEach(look),
    isSettled: () => Object.values(caches).every((cache) => cache.synced),
  });
  const demand = new Demand(images.making);
  const records = new Records(
    together(runtime.clock, (module) => {
      running.status?.enqueue(module);
      running.rollout?.enqueue(module);
    }),
  );
  const rollouts = new Rollouts();
  const parts = {
    client,
    fleet: makeFleet(options, { caches, images: images.making, moduleViews, rollouts }),
    demand,
    records,
    rollouts,
    underWay: new UnderWay(runtime.clock),
    look,
    events,
    clusterMeters: new ClusterMeters(runtime.meters),
    intervalMs: config.statusInterval,
    writeConcurrency: config.writeConcurrency,
  };
  const controllers = hubControllers(caches, parts);
  running.status = startController(controllers.status, runtime, signal);
  running.rollout = startController(controllers.rollout, runtime, signal);
  running.cluster = startController(controllers.cluster, runtime, signal);
  running.module = startController(controllers.module, runtime, signal);
  const orphan = startOrphan(caches, parts, { runtime, signal });
  const making = images.start(signal);
  const all = [...Object.values(caches), ...images.caches];
  for (const cache of all) cache.start(signal);
  const ends = [
    ...Object.values(running).map(({ stopped }) => stopped),
    making.stopped,
    orphan.stopped,
    ...all.map((cache) => cache.stopped),
  ];
  const stopped = Promise.all(ends).then(async () => {
    images.stop();
    await registry.close();
  });
  return { synced: () => all.every((cache) => cache.synced), stopped };
}

function makeCaches({ client, runtime, namespace }: HubOptions): Caches {
  const base = { client, runtime };
  return {
    modules: new Cache({ ...base, resource: managedClusterModules, indexes: indexes.modules }),
    clusters: new Cache({ ...base, resource: managedClusters, slim: slimCluster }),
    works: new Cache({
      ...base,
      resource: manifestWorks,
      labelSelector: labels.managedClusterModule,
      indexes: indexes.works,
      slim: alikeWorks(),
    }),
    revisions: new Cache({
      ...base,
      resource: controllerRevisions,
      namespace,
      labelSelector: labels.managedClusterModule,
      indexes: indexes.revisions,
    }),
  };
}

function makeFleet(
  { namespace, runtime }: HubOptions,
  made: Pick<Fleet, 'images' | 'moduleViews' | 'rollouts'> & { caches: Caches },
): Fleet {
  const { caches, ...given } = made;
  return {
    ...caches,
    intake: new KernelIntake(),
    unlabelled: new UnlabelledWorks(),
    ...given,
    namespace,
    revisionViews: new RevisionViews(),
    digests: new Digests({
      ofRevision: (module, revision) => caches.works.byIndex('revision', `${module}/${revision}`),
    }),
    nowMs: () => runtime.clock.now(),
    passedMs: () => runtime.clock.passed(),
  };
}
