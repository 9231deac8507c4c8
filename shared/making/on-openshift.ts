import { buildNameLabel, builds } from '../build/openshift-kinds.ts';
import { sleep } from '../core/clock.ts';
import { Cache, type CacheView } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Source } from '../kube/controller.ts';
import type { KubeObject, Pod } from '../kube/object.ts';
import { pods } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';
import { BuildMaker } from './build-maker.ts';
import type { MakingObject } from './job-view.ts';
import { findOpenShift, kubernetesOnly, type OpenShift } from './openshift.ts';
import { jobUidsOf, podIndex } from './step-pods.ts';

/** A cache that is started when it is known that its kind is served. */
export type LateCache = Pick<Cache<KubeObject>, 'resource' | 'start' | 'stopped' | 'synced' | 'whenSynced'>;

/** OpenShift's kinds are served by a program of their own: nothing that needs none of them waits longer for it. */
const patienceMs = 10_000;

export interface OnOpenShiftOptions {
  client: KubeClient;
  runtime: Runtime;
  namespace: string;
  deadlineSeconds: number;
  /** Which Builds are ours, and where the cache has them. */
  ours: { labelSelector: string; indexes: Record<string, (object: KubeObject) => string[]> };
}

/** What there is on OpenShift only: Builds, their pods, what `Toolkits` reads. It may become known late that it is there. */
export class OnOpenShift {
  readonly #options: OnOpenShiftOptions;
  readonly builds: Cache<MakingObject>;
  readonly pods: Cache<Pod>;
  readonly #maker: BuildMaker;
  #found: OpenShift | undefined;
  #started: LateCache[] = [];
  #failure = 'it was not asked yet';
  #opened = Promise.withResolvers<void>();
  #isOpen = false;

  constructor(options: OnOpenShiftOptions) {
    const { client, runtime, namespace, deadlineSeconds, ours } = options;
    const base = { client, runtime, namespace };
    this.#options = options;
    this.#maker = new BuildMaker({ client, namespace, deadlineSeconds });
    this.builds = new Cache<MakingObject>({ ...base, ...ours, resource: builds });
    // OpenShift gives the pod of a Build none of the Build's labels.
    const labelSelector = buildNameLabel;
    this.pods = new Cache<Pod>({ ...base, resource: pods, labelSelector, indexes: { [podIndex]: jobUidsOf } });
  }

  /** As far as it is known. */
  get has(): OpenShift {
    return this.#found ?? kubernetesOnly;
  }

  get maker(): BuildMaker | undefined {
    return this.has.builds ? this.#maker : undefined;
  }

  /** Undefined: it is known what there is, and all of it was seen. */
  waitsFor(): string | undefined {
    if (this.#found === undefined)
      return `the API server says whether it serves OpenShift's Builds and ImageStreams (${this.#failure})`;
    const unseen = this.#started.filter(({ synced }) => !synced).map(({ resource: { plural } }) => plural);
    return unseen.length === 0 ? undefined : `the API server lists ${unseen.join(', ')}`;
  }

  /** The Builds for who must know all that is at work: those count as seen that are waited for in vain. */
  get buildsView(): CacheView<MakingObject> {
    const isOpen = () => this.#isOpen;
    const { builds: cache } = this;
    return {
      get: (ref) => cache.get(ref),
      list: () => cache.list(),
      byIndex: (index, value) => cache.byIndex(index, value),
      get synced() {
        return isOpen();
      },
    };
  }

  /** Resolves when nothing is to be waited for, or that takes too long. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Until `signal` aborts. `onSettled`: what was not known is known now. */
  async run(signal: AbortSignal, also: readonly LateCache[], onSettled: () => void): Promise<void> {
    const { runtime, client, namespace } = this.#options;
    void sleep(runtime.clock, patienceMs, signal).then(
      () => this.#open(),
      () => this.#open(),
    );
    try {
      const onFailure = (message: string) => {
        this.#failure = message;
      };
      const found = await findOpenShift({ client, namespace, runtime, signal, onFailure });
      this.#started = [...(found.builds ? [this.builds, this.pods] : []), ...(found.toolkits ? also : [])];
      this.#found = found;
      runtime.log.info({ ...found }, 'it is known what of OpenShift there is');
      for (const cache of this.#started) cache.start(signal);
      await Promise.all(this.#started.map((cache) => cache.whenSynced(signal)));
      this.#open();
      onSettled();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await Promise.all(this.#started.map(({ stopped }) => stopped));
  }

  #open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }
}

/** A source that nothing waits for: its cache may never be started. */
export function late({ attach }: Source): Source {
  return { attach, whenSynced: () => Promise.resolve() };
}
