import { builds } from '../build/openshift-kinds.ts';
import { ImageChecks } from '../images/checks.ts';
import type { LookUpSources } from '../images/look-up.ts';
import { type AnyCache, Cache } from '../kube/cache.ts';
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
import { jobNameOf, jobUidsOf, podIndex } from './step-pods.ts';
import type { Told } from './told.ts';
import { Toolkits } from './toolkits.ts';
import type { Verify } from './verdicts.ts';

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
  makerOf: MakerOf;
  isSigningKey: WorkshopOptions['isSigningKey'];
  told: Told;
  onChange: (tokens: readonly string[]) => void;
  /** Before, it is not known what is wanted. */
  isSettled: () => boolean;
}

/** The images of one namespace: what the registry has, and the making of what it has not. */
export function startableMaking(options: MakingOptions) {
  const { client, runtime, namespace, settings, openShift = kubernetesOnly, ...rest } = options;
  const { makerOf, told, verify, isSettled, onChange } = rest;
  const base = { client, runtime, namespace };
  const ours = { ...base, labelSelector: labels.image, indexes: { [jobIndex]: imagesOf } };
  const toolkits = new Toolkits({ ...base, onOpenShift: openShift.toolkits });
  const caches: MakingCaches = {
    jobs: [jobs, ...(openShift.builds ? [builds] : [])].map(
      (resource) => new Cache<MakingObject>({ ...ours, resource }),
    ),
    pods: new Cache<Pod>({
      ...base,
      resource: pods,
      labelSelector: labels.buildType,
      indexes: { [podIndex]: jobUidsOf },
    }),
    // Secrets and ConfigMaps are wanted by name and version only: what is in them, the pods read that mount them.
    configMaps: new Cache({ ...base, resource: configMaps, metadataOnly: true }),
    secrets: new Cache({ ...base, resource: secrets, metadataOnly: true }),
  };
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
    isSigningKey: options.isSigningKey,
  });
  const { concurrency, keepFinishedMs } = settings;
  const making = new ImageMaking({
    ...base,
    checks,
    jobs: caches.jobs,
    pods: caches.pods,
    workshop,
    concurrency,
    keepFinishedMs,
    makerOf,
    told,
    verify,
    look,
    isSettled,
    onChange,
  });
  const controller = imageController(caches, { toolkits, making });
  return {
    making,
    /** To be started by who starts this. */
    caches: [...caches.jobs, caches.pods, caches.configMaps, caches.secrets, ...toolkits.caches] as readonly AnyCache[],
    start(signal: AbortSignal): RunningController {
      running = startController(controller, runtime, signal);
      return running;
    },
    stop: () => checks.stop(),
  };
}

interface MakingCaches {
  /** And Builds. */
  jobs: Cache<MakingObject>[];
  pods: Cache<Pod>;
  configMaps: Cache<ConfigMap>;
  secrets: Cache<Secret>;
}

/** Keys are image names. */
function imageController(
  caches: MakingCaches,
  { toolkits, making }: { toolkits: Toolkits; making: ImageMaking },
): Controller {
  const jobOf = (pod: Pod | undefined) => {
    const name = jobNameOf(pod);
    if (name === undefined) return undefined;
    const found = caches.jobs.map((cache) => cache.get({ namespace: pod?.metadata.namespace, name }));
    return found.find((job) => job !== undefined);
  };
  return {
    name: 'image',
    // A registry that answers slowly holds who looks into its images, and nobody else.
    concurrency: 16,
    sources: [
      // A Job that ends makes room for one that waits.
      ...caches.jobs.map((cache) =>
        watching(cache, ({ previous, current }) => [
          ...[previous, current].flatMap((job) => imageOf(job) ?? []),
          ...making.takeQueued(),
        ]),
      ),
      watching(caches.pods, ({ current }) => imageOf(jobOf(current)) ?? []),
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
