import { ImageChecks } from '../images/checks.ts';
import type { LookUpSources } from '../images/look-up.ts';
import { type AnyCache, Cache, type CacheView } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { type Controller, type RunningController, startController, watching } from '../kube/controller.ts';
import { labels } from '../kube/names.ts';
import type { ConfigMap, KubeObject, Pod, Secret } from '../kube/object.ts';
import { configMaps, jobs, pods, secrets } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { ImageMaking } from './image-making.ts';
import { imageHash, jobIndex } from './job-shelf.ts';
import { imageOf, type MakingObject } from './job-view.ts';
import { JobWorkshop, type WorkshopOptions } from './job-workshop.ts';
import { late, OnOpenShift, type OnOpenShiftOptions } from './on-openshift.ts';
import type { MakerOf } from './orders.ts';
import { Places } from './places.ts';
import { jobNamesOf, jobUidsOf, podIndex } from './step-pods.ts';
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
  /** The API server is asked whether this is OpenShift; without, it is not. */
  mayBeOpenShift?: boolean;
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
  const { client, runtime, namespace, settings, makerLabel, mayBeOpenShift = false, ...rest } = options;
  const { makerOf, told, verify, isSettled, onChange } = rest;
  const base = { client, runtime, namespace };
  const { deadlineSeconds } = settings.builder;
  const ours = { labelSelector: `${labels.image},${makerLabel}`, indexes: { [jobIndex]: imagesOf } };
  const openShift = mayBeOpenShift ? new OnOpenShift({ ...base, ours, deadlineSeconds }) : undefined;
  const toolkits = new Toolkits({ ...base, isOnOpenShift: openShift && (() => openShift.has.toolkits) });
  const caches = makingCaches(base, { makerLabel, ours });
  const known = {
    jobs: [caches.jobs, ...(openShift ? [openShift.buildsView] : [])] as readonly CacheView<MakingObject>[],
    pods: [caches.pods, ...(openShift ? [openShift.pods] : [])],
  };
  let running: RunningController | undefined;
  const look = (image: string) => running?.enqueue(image);
  const checks = new ImageChecks({ ...options.lookUp, runtime, onChange: (tokens) => making.answered(tokens) });
  const workshop = new JobWorkshop({
    ...settings,
    namespace,
    configMaps: caches.configMaps,
    secrets: caches.secrets,
    builds: () => openShift?.maker,
    waitsFor: () => openShift?.waitsFor(),
    toolkitFor: (kernel) => toolkits.imageFor(kernel),
    signerWith: options.signerWith,
  });
  const { keepFinishedMs } = settings;
  const places = options.places ?? new Places(settings.concurrency);
  const making = new ImageMaking({
    ...base,
    checks,
    ...known,
    workshop,
    places,
    keepFinishedMs,
    buildTimeoutMs: deadlineSeconds * 1000,
    makerOf,
    told,
    verify,
    look,
    isSettled,
    onChange,
  });
  const controller = imageController(caches, { openShift, toolkits, making, places, jobs: known.jobs });
  return {
    making,
    /** Jobs, and Builds where there are any. */
    jobs: known.jobs,
    /** To be started by who starts this; those that only OpenShift has begin by themselves. */
    caches: [caches.jobs, caches.pods, caches.configMaps, caches.secrets, ...toolkits.caches] as readonly AnyCache[],
    start(signal: AbortSignal): RunningController {
      const started = startController(controller, runtime, signal);
      running = started;
      // Others may wait to know what is at work here.
      Promise.all([caches.jobs.whenSynced(signal), openShift?.opened]).then(
        () => places.freed(),
        () => undefined,
      );
      const ofOpenShift = openShift?.run(signal, toolkits.openShiftCaches, () => making.wanted().forEach(look));
      const stopped = Promise.all([started.stopped, ofOpenShift]).then(() => undefined);
      return { enqueue: (image) => started.enqueue(image), stopped };
    },
    stop() {
      making.leave();
      checks.stop();
    },
  };
}

interface MakingCaches {
  jobs: Cache<MakingObject>;
  pods: Cache<Pod>;
  configMaps: Cache<ConfigMap>;
  secrets: Cache<Secret>;
}

function makingCaches(
  base: Pick<MakingOptions, 'client' | 'runtime' | 'namespace'>,
  { makerLabel, ours }: { makerLabel: Maker['label']; ours: OnOpenShiftOptions['ours'] },
): MakingCaches {
  return {
    jobs: new Cache<MakingObject>({ ...base, ...ours, resource: jobs }),
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
  {
    openShift,
    toolkits,
    making,
    places,
    jobs: known,
  }: {
    openShift: OnOpenShift | undefined;
    toolkits: Toolkits;
    making: ImageMaking;
    places: Places;
    jobs: readonly CacheView<MakingObject>[];
  },
): Controller {
  const ofJobs = (cache: Cache<MakingObject>) =>
    watching(cache, ({ previous, current }) => {
      // A Job that ends makes room for one that waits.
      places.freed();
      return [previous, current].flatMap((job) => imageOf(job) ?? []);
    });
  const ofPods = (cache: Cache<Pod>) =>
    watching(cache, ({ current }) =>
      jobNamesOf(current).flatMap((name) =>
        known.flatMap((each) => imageOf(each.get({ namespace: current?.metadata.namespace, name })) ?? []),
      ),
    );
  return {
    name: 'image',
    concurrency: 16,
    sources: [
      ofJobs(caches.jobs),
      ofPods(caches.pods),
      ...(openShift === undefined
        ? []
        : [{ ...ofJobs(openShift.builds), whenSynced: () => openShift.opened }, late(ofPods(openShift.pods))]),
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
