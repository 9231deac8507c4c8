import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { toolkitImage, toolkitTableName } from '../../shared/build/toolkit.ts';
import { ImageChecks } from '../../shared/images/checks.ts';
import type { LookUpSources } from '../../shared/images/look-up.ts';
import { Cache, type CacheView } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Controller, type RunningController, startController, watching } from '../../shared/kube/controller.ts';
import type { EventRecorder } from '../../shared/kube/events.ts';
import { labels } from '../../shared/kube/names.ts';
import type { ConfigMap, Job, Pod, Secret } from '../../shared/kube/object.ts';
import { configMaps, jobs, pods, secrets } from '../../shared/kube/resources.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { controllerReference } from '../../shared/kube/write.ts';
import { ImageMaking } from '../../shared/making/image-making.ts';
import { imageHash, jobIndex } from '../../shared/making/job-shelf.ts';
import { imageOf } from '../../shared/making/job-view.ts';
import { JobWorkshop } from '../../shared/making/job-workshop.ts';
import { jobNameOf, jobUidsOf, podIndex } from '../../shared/making/step-pods.ts';
import type { Verify } from '../../shared/making/verdicts.ts';
import { tokenOwner } from '../managed-cluster-module/demand.ts';
import type { ModuleViews } from '../managed-cluster-module/module-view.ts';
import { MakingEvents } from './making-events.ts';
import { MakingMeters } from './making-meters.ts';
import type { MakingSettings } from './settings.ts';
import { type SigningKeySources, SigningKeys } from './signing-keys.ts';

export interface HubImagesOptions {
  client: KubeClient;
  runtime: Runtime;
  namespace: string;
  lookUp: LookUpSources;
  verify: Verify;
  settings: MakingSettings;
  modules: Pick<CacheView<ManagedClusterModule>, 'get' | 'list'>;
  /** Versions, and the works that name them: their keys stay keys. */
  shipped: Pick<SigningKeySources, 'revisions' | 'works'>;
  moduleViews: ModuleViews;
  events: Pick<EventRecorder, 'record'>;
  onChange: (tokens: readonly string[]) => void;
  /** Modules, clusters and works are known. */
  isSettled: () => boolean;
}

/** The hub's images: what the registry has, and the making of what it has not, by Jobs in the operator's namespace. */
export function hubImages(options: HubImagesOptions) {
  const { client, runtime, namespace, settings, modules, moduleViews } = options;
  const base = { client, runtime, namespace };
  const caches = {
    jobs: new Cache<Job>({ ...base, resource: jobs, labelSelector: labels.image, indexes: { [jobIndex]: imagesOf } }),
    pods: new Cache<Pod>({
      ...base,
      resource: pods,
      labelSelector: labels.buildType,
      indexes: { [podIndex]: jobUidsOf },
    }),
    // Secrets and ConfigMaps are wanted by name and version only: what is in them, the pods read that mount them.
    configMaps: new Cache({ ...base, resource: configMaps, metadataOnly: true }),
    secrets: new Cache({ ...base, resource: secrets, metadataOnly: true }),
    toolkits: new Cache({ ...base, resource: configMaps, fieldSelector: `metadata.name=${toolkitTableName}` }),
  };
  const toolkitFor = (kernel: string) => {
    const table = caches.toolkits.get({ namespace, name: toolkitTableName })?.data;
    return toolkitImage(kernel, { table });
  };
  const signingKeys = new SigningKeys({ modules, ...options.shipped });
  let running: RunningController | undefined;
  const look = (image: string) => running?.enqueue(image);
  const checks = new ImageChecks({ ...options.lookUp, runtime, onChange: (tokens) => making.answered(tokens) });
  const making = new ImageMaking({
    client,
    runtime,
    namespace,
    checks,
    jobs: caches.jobs,
    pods: caches.pods,
    workshop: new JobWorkshop({
      ...settings,
      namespace,
      configMaps: caches.configMaps,
      secrets: caches.secrets,
      toolkitFor,
      isSigningKey: (name) => signingKeys.has(name),
    }),
    concurrency: settings.concurrency,
    keepFinishedMs: settings.keepFinishedMs,
    makerOf(token) {
      const { module: name, revision } = tokenOwner(token);
      const object = modules.get({ name });
      const view = object && moduleViews.of(object);
      if (view === undefined || view.leaving) return undefined;
      const owner = controllerReference(view.owner);
      return { name, label: labels.managedClusterModule, owner, isCurrent: view.wanted?.revision === revision };
    },
    told: new MakingEvents({
      events: options.events,
      meters: new MakingMeters(runtime.meters),
      moduleNamed: (name) => modules.get({ name }),
    }),
    verify: options.verify,
    look,
    isSettled: options.isSettled,
    onChange: options.onChange,
  });
  const controller = imageController(caches, making);
  return {
    making,
    caches,
    start(signal: AbortSignal): RunningController {
      running = startController(controller, runtime, signal);
      return running;
    },
    stop: () => checks.stop(),
  };
}

/** Keys are image names. */
function imageController(
  caches: {
    jobs: Cache<Job>;
    pods: Cache<Pod>;
    configMaps: Cache<ConfigMap>;
    secrets: Cache<Secret>;
    toolkits: Cache<ConfigMap>;
  },
  making: ImageMaking,
): Controller {
  const jobOf = (pod: Pod | undefined) => {
    const name = jobNameOf(pod);
    return name === undefined ? undefined : caches.jobs.get({ namespace: pod?.metadata.namespace, name });
  };
  return {
    name: 'image',
    // A registry that answers slowly holds who looks into its images, and nobody else.
    concurrency: 16,
    sources: [
      // A Job that ends makes room for one that waits.
      watching(caches.jobs, ({ previous, current }) => [
        ...[previous, current].flatMap((job) => imageOf(job) ?? []),
        ...making.takeQueued(),
      ]),
      watching(caches.pods, ({ current }) => imageOf(jobOf(current)) ?? []),
      watching(caches.configMaps, ({ previous, current }) => making.wanted(nameOf(current ?? previous))),
      // Another table may concern any image that is not there yet.
      watching(caches.toolkits, () => making.wanted()),
      watching(caches.secrets, ({ previous, current }) => making.wanted(nameOf(current ?? previous))),
    ],
    reconcile: (image) => making.reconcile(image),
  };
}

function imagesOf(job: Job): string[] {
  const image = imageOf(job);
  return image === undefined ? [] : [imageHash(image)];
}

function nameOf(object: { metadata: { name: string } } | undefined): string {
  return object?.metadata.name ?? '';
}
