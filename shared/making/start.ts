import { builds } from '../build/openshift-kinds.ts';
import { ImageChecks } from '../images/checks.ts';
import type { LookUpSources } from '../images/look-up.ts';
import { type AnyCache, Cache, type CacheView } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Controller, type RunningController, startController, watching } from '../kube/controller.ts';
import { labels } from '../kube/names.ts';
import type { ConfigMap, KubeObject, Pod, Secret } from '../kube/object.ts';
import { configMaps, jobs, pods, secrets } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { BuildMaker } from './build-maker.ts';
import { ImageMaking } from './image-making.ts';
import { imageHash, jobIndex } from './job-shelf.ts';
import { imageOf, type MakingObject } from './job-view.ts';
import { JobWorkshop, type WorkshopOptions } from './job-workshop.ts';
import { kubernetesOnly, type OpenShift } from './openshift.ts';
import type { MakerOf } from './orders.ts';
import { Places } from './places.ts';
import { jobNameOf, jobUidsOf, podIndex } from './step-pods.ts';
import type { Told } from './told.ts';
import { Toolkits } from './toolkits.ts';
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
  /** What of OpenShift there is; nothing without. */
  openShift?: OpenShift;
  lookUp: LookUpSources;
  verify: Verify;
  settings: MakingSettings;
  /** Shared with the makings of other namespaces; of this one only without. */
  places?: Places;
  /** That of its Jobs: others of the namespace are somebody else's. */
  makerLabel: Maker['label'];
  makerOf: MakerOf;
  signerWith: WorkshopOptions['signerWith'];
  told: Told;
  onChange: (tokens: readonly string[]) => void;
  /** Before, it is not known what is wanted. */
  isSettled: () => boolean;
}

/** The images of one namespace: what the registry has, and the making of what it has not. */
export function startableMaking(options: MakingOptions) {
  const { client, runtime, namespace, settings, makerLabel, openShift = kubernetesOnly, ...rest } = options;
  const { makerOf, told, verify, isSettled, onChange } = rest;
  const base = { client, runtime, namespace };
  const toolkits = new Toolkits({ ...base, onOpenShift: openShift.toolkits });
  const caches = makingCaches(base, { makerLabel, withBuilds: openShift.builds });
  const { deadlineSeconds } = settings.builder;
  let running: RunningController | undefined;
  const look = (image: string) => running?.enqueue(image);
  const checks = new ImageChecks({ ...options.lookUp, runtime, onChange: (tokens) => making.answered(tokens) });
  const workshop = new JobWorkshop({
    ...settings,
    namespace,
    configMaps: caches.configMaps,
    secrets: caches.secrets,
    builds: openShift.builds ? new BuildMaker({ client, namespace, deadlineSeconds }) : undefined,
    toolkitFor: (kernel) => toolkits.imageFor(kernel),
    signerWith: options.signerWith,
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
  const controller = imageController(caches, { toolkits, making, places });
  return {
    making,
    /** Jobs, and Builds where there are any. */
    jobs: caches.jobs as readonly CacheView<MakingObject>[],
    /** To be started by who starts this. */
    caches: [...caches.jobs, caches.pods, caches.configMaps, caches.secrets, ...toolkits.caches] as readonly AnyCache[],
    start(signal: AbortSignal): RunningController {
      running = startController(controller, runtime, signal);
      // Others may wait to know what is at work here.
      Promise.all(caches.jobs.map((cache) => cache.whenSynced(signal))).then(
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

interface MakingCaches {
  /** And Builds. */
  jobs: Cache<MakingObject>[];
  pods: Cache<Pod>;
  configMaps: Cache<ConfigMap>;
  secrets: Cache<Secret>;
}

function makingCaches(
  base: Pick<MakingOptions, 'client' | 'runtime' | 'namespace'>,
  { makerLabel, withBuilds }: { makerLabel: Maker['label']; withBuilds: boolean },
): MakingCaches {
  const ours = { ...base, labelSelector: `${labels.image},${makerLabel}`, indexes: { [jobIndex]: imagesOf } };
  return {
    jobs: [jobs, ...(withBuilds ? [builds] : [])].map((resource) => new Cache<MakingObject>({ ...ours, resource })),
    pods: new Cache<Pod>({
      ...base,
      resource: pods,
      labelSelector: `${labels.buildType},${makerLabel}`,
      indexes: { [podIndex]: jobUidsOf },
    }),
    // Secrets and ConfigMaps are wanted by name and version only: what is in them, the pods read that mount them.
    configMaps: new Cache({ ...base, resource: configMaps, metadataOnly: true }),
    secrets: new Cache({ ...base, resource: secrets, metadataOnly: true }),
  };
}

/** Keys are image names. */
function imageController(
  caches: MakingCaches,
  { toolkits, making, places }: { toolkits: Toolkits; making: ImageMaking; places: Places },
): Controller {
  const jobsOf = (pod: Pod | undefined) => {
    const name = jobNameOf(pod);
    if (name === undefined) return [];
    return caches.jobs.flatMap((cache) => cache.get({ namespace: pod?.metadata.namespace, name }) ?? []);
  };
  return {
    name: 'image',
    concurrency: 16,
    sources: [
      ...caches.jobs.map((cache) =>
        watching(cache, ({ previous, current }) => {
          // A Job that ends makes room for one that waits.
          places.freed();
          return [previous, current].flatMap((job) => imageOf(job) ?? []);
        }),
      ),
      watching(caches.pods, ({ current }) => jobsOf(current).flatMap((job) => imageOf(job) ?? [])),
      watching(caches.configMaps, ({ previous, current }) => making.wanted(nameOf(current ?? previous))),
      ...toolkits.sources(() => making.wanted()),
      watching(caches.secrets, ({ previous, current }) => making.wanted(nameOf(current ?? previous))),
    ],
    reconcile: (image) => making.reconcile(image),
  };
}

function imagesOf(job: KubeObject): string[] {
  const image = imageOf(job);
  return image === undefined ? [] : [imageHash(image)];
}

function nameOf(object: { metadata: { name: string } } | undefined): string {
  return object?.metadata.name ?? '';
}
