import { toolkitImage, toolkitTableName } from '../build/toolkit.ts';
import { ImageChecks } from '../images/checks.ts';
import type { LookUpSources } from '../images/look-up.ts';
import { Cache } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Controller, type RunningController, startController, watching } from '../kube/controller.ts';
import { labels } from '../kube/names.ts';
import type { ConfigMap, Job, Pod, Secret } from '../kube/object.ts';
import { configMaps, jobs, pods, secrets } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { ImageMaking } from './image-making.ts';
import { imageHash, jobIndex } from './job-shelf.ts';
import { imageOf } from './job-view.ts';
import { JobWorkshop, type WorkshopOptions } from './job-workshop.ts';
import type { MakerOf } from './orders.ts';
import { Places } from './places.ts';
import { jobNameOf, jobUidsOf, podIndex } from './step-pods.ts';
import type { Told } from './told.ts';
import type { Verify } from './verdicts.ts';
import type { Maker } from './workshop.ts';

export type MakingSettings = Pick<WorkshopOptions, 'builder' | 'signer' | 'strictSecrets'> & {
  concurrency: number;
  keepFinishedMs: number;
};

export interface MakingOptions {
  client: KubeClient;
  runtime: Runtime;
  /** Of the Jobs, and of all that they mount. */
  namespace: string;
  lookUp: LookUpSources;
  verify: Verify;
  settings: MakingSettings;
  /** Shared with the makings of other namespaces; of this one only without. */
  places?: Places;
  /** That of its Jobs: others of the namespace are somebody else's. */
  makerLabel: Maker['label'];
  makerOf: MakerOf;
  isSigningKey: WorkshopOptions['isSigningKey'];
  told: Told;
  onChange: (tokens: readonly string[]) => void;
  /** Before, it is not known what is wanted. */
  isSettled: () => boolean;
}

/** The images of one namespace: what the registry has, and the making of what it has not. */
export function startableMaking(options: MakingOptions) {
  const { client, runtime, namespace, settings, makerLabel, ...rest } = options;
  const { makerOf, told, verify, isSettled, onChange } = rest;
  const base = { client, runtime, namespace };
  const caches = {
    jobs: new Cache<Job>({
      ...base,
      resource: jobs,
      labelSelector: `${labels.image},${makerLabel}`,
      indexes: { [jobIndex]: imagesOf },
    }),
    pods: new Cache<Pod>({
      ...base,
      resource: pods,
      labelSelector: `${labels.buildType},${makerLabel}`,
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
  let running: RunningController | undefined;
  const look = (image: string) => running?.enqueue(image);
  const checks = new ImageChecks({ ...options.lookUp, runtime, onChange: (tokens) => making.answered(tokens) });
  const workshop = new JobWorkshop({
    ...settings,
    namespace,
    configMaps: caches.configMaps,
    secrets: caches.secrets,
    toolkitFor,
    isSigningKey: options.isSigningKey,
  });
  const { keepFinishedMs } = settings;
  const places = options.places ?? new Places(settings.concurrency);
  const making = new ImageMaking({
    ...base,
    checks,
    jobs: caches.jobs,
    pods: caches.pods,
    workshop,
    places,
    keepFinishedMs,
    makerOf,
    told,
    verify,
    look,
    isSettled,
    onChange,
  });
  const controller = imageController(caches, making, places);
  return {
    making,
    caches,
    start(signal: AbortSignal): RunningController {
      running = startController(controller, runtime, signal);
      // Others may wait to know what is at work here.
      caches.jobs.whenSynced(signal).then(
        () => places.freed(),
        () => undefined,
      );
      return running;
    },
    stop() {
      making.leave();
      checks.stop();
    },
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
  places: Places,
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
      watching(caches.jobs, ({ previous, current }) => {
        // A Job that ends makes room for one that waits.
        places.freed();
        return [previous, current].flatMap((job) => imageOf(job) ?? []);
      }),
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
