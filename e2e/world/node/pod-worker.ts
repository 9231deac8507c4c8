import type { Clock } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import type { Log } from '../../../shared/core/log.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict, isNotFound } from '../../../shared/kube/errors.ts';
import type { Node, Pod } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { mergePatch } from '../../../shared/kube/status.ts';
import type { DockerConfig } from '../../../shared/registry/docker-config.ts';
import { refusalOf } from './admission.ts';
import type { ContainerRuntime, PodRecord } from './container-runtime.ts';
import { loopback } from './downward.ts';
import { MountError } from './host-path.ts';
import type { ImageStore } from './image-store.ts';
import { PodContainers } from './pod-containers.ts';
import { podStatus } from './status.ts';
import { setUpVolumes } from './volumes.ts';

/** kubelet looks at a pod whose volumes or API calls failed again after this. */
const retryMs = 2_000;

export interface WorkerContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly runtime: ContainerRuntime;
  readonly images: ImageStore;
  readonly hostRoot: string;
  readonly logins: readonly DockerConfig[];
  /** Least time of the clock that probes and hooks get, as they are real programs. */
  readonly programMsMin: { readonly probe: number; readonly hook: number };
  /** Containers that run already are not ready until they are probed again (kubelet before 1.35). */
  readonly readinessFlap: boolean;
  readonly readNode: () => Promise<Node>;
  readonly warn: (pod: Pod, reason: string, note: string) => void;
  /** Life of kubelet. */
  readonly signal: AbortSignal;
}

/**
 * kubelet's care for one pod, level by level: each `#sync` looks at what is there, reports it, and does the next thing. It
 * ends when the pod is gone from the API and its processes with it, or with kubelet (then the processes stay).
 */
export class PodWorker {
  readonly finished: Promise<void>;
  readonly #context: WorkerContext;
  readonly #record: PodRecord;
  readonly #containers: PodContainers;
  readonly #startMs: number;
  #pod: Pod;
  #admission: 'open' | 'taken' | 'refused' = 'open';
  #refusal: ReturnType<typeof refusalOf>;
  #volumes: ReadonlyMap<string, string> | undefined;
  #volumesOf = '';
  #vanished = false;
  #ending: 'no' | 'begun' | 'done' | 'deleted' = 'no';
  #dirty = false;
  #resume: () => void = () => undefined;

  constructor(context: WorkerContext, pod: Pod) {
    this.#context = context;
    this.#pod = pod;
    this.#startMs = context.clock.now();
    this.#record = context.runtime.record(pod.metadata.uid ?? '');
    this.#containers = new PodContainers({
      ...context,
      record: this.#record,
      pod: () => this.#pod,
      wake: () => this.wake(),
    });
    context.signal.addEventListener('abort', () => this.wake(), { once: true });
    this.finished = this.#run();
  }

  get ref(): { namespace: string; name: string } {
    return { namespace: this.#pod.metadata.namespace ?? '', name: this.#pod.metadata.name };
  }

  /** The pod as the API server tells it; an older state than the one known is no news. */
  update(pod: Pod): void {
    if (isNewer(this.#pod, pod)) return;
    this.#pod = pod;
    if (pod.metadata.deletionGracePeriodSeconds === 0) this.#containers.force();
    this.wake();
  }

  /** The pod is gone from the API: by force, unless it had ended. */
  vanish(): void {
    this.#vanished = true;
    this.#containers.force();
    this.wake();
  }

  wake(): void {
    this.#dirty = true;
    this.#resume();
  }

  async #run(): Promise<void> {
    // Never inside of the constructor's caller.
    await Promise.resolve();
    const { clock, signal, log } = this.#context;
    while (!signal.aborted) {
      this.#dirty = false;
      let wakeAtMs: number | undefined;
      try {
        wakeAtMs = await this.#sync();
      } catch (error) {
        if (signal.aborted) break;
        log.warn({ pod: this.ref, error: errorMessage(error) }, 'pod sync failed');
        wakeAtMs = clock.now() + retryMs;
      }
      if (this.#vanished && (this.#ending === 'done' || this.#ending === 'deleted'))
        return this.#context.runtime.remove(this.#record.uid);
      await this.#idle(wakeAtMs);
    }
    await this.#containers.stop();
  }

  async #sync(): Promise<number | undefined> {
    const { metadata, status } = this.#pod;
    const isFinal = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    if (metadata.deletionTimestamp || this.#vanished) return this.#syncEnding(isFinal);
    if (isFinal && !this.#containers.anyUp) return undefined;
    if (this.#admission === 'open') await this.#admit();
    if (this.#admission === 'refused') {
      await this.#report();
      return this.#containers.endByForce();
    }
    await this.#setUpVolumes();
    this.#containers.adopt();
    await this.#report();
    if (this.#volumes === undefined) return this.#context.clock.now() + retryMs;
    return this.#containers.advance(this.#volumes);
  }

  /** Processes first, then the status with their ends, then the object: whoever holds a finalizer reads how it ended. */
  async #syncEnding(isFinal: boolean): Promise<undefined> {
    if (this.#ending === 'no') {
      this.#ending = 'begun';
      this.#containers.adopt();
      void this.#end();
    }
    if (this.#vanished) return;
    // What ends while the status is written is reported by the next look.
    const isOver = this.#ending === 'done';
    if (!isFinal || this.#containers.anyUp) await this.#report();
    if (!isOver) return;
    const { client } = this.#context;
    const preconditions = { uid: this.#record.uid };
    await client.delete(pods, this.ref, { gracePeriodSeconds: 0, preconditions }).catch(ignoreGone);
    this.#ending = 'deleted';
  }

  async #end(): Promise<void> {
    try {
      if (await this.#containers.end(this.#graceMs())) this.#ending = 'done';
    } catch (error) {
      this.#context.log.error({ pod: this.ref, error: errorMessage(error) }, 'pod end failed');
      this.#ending = 'no';
    }
    this.wake();
  }

  async #admit(): Promise<void> {
    this.#refusal = refusalOf(this.#pod, await this.#context.readNode());
    this.#admission = this.#refusal === undefined ? 'taken' : 'refused';
    if (this.#refusal) this.#context.warn(this.#pod, this.#refusal.reason, this.#refusal.message);
  }

  /** Once, and again when labels or annotations changed, which the downward API shows. */
  async #setUpVolumes(): Promise<void> {
    const { client, hostRoot } = this.#context;
    const { labels, annotations } = this.#pod.metadata;
    const shown = JSON.stringify([labels, annotations]);
    if (this.#volumes !== undefined && this.#volumesOf === shown) return;
    try {
      this.#volumes = await setUpVolumes(this.#pod, { client, hostRoot, folder: this.#record.folder });
      this.#volumesOf = shown;
    } catch (error) {
      if (!(error instanceof MountError)) throw error;
      this.#context.warn(this.#pod, 'FailedMount', error.message);
    }
  }

  async #report(): Promise<void> {
    const { client, clock } = this.#context;
    const wanted = podStatus({
      pod: this.#pod,
      containers: this.#containers.pictures(),
      hostIP: loopback,
      podIP: loopback,
      startMs: this.#startMs,
      nowMs: clock.now(),
      refusal: this.#refusal,
      terminal: this.#ending === 'done',
    });
    const status = mergePatch(this.#pod.status ?? {}, wanted);
    if (status === undefined) return;
    const body = { metadata: { uid: this.#record.uid }, status };
    const written = await client
      .patch(pods, this.ref, { type: 'merge', body }, { subresource: 'status' })
      .catch(ignoreGone);
    if (written && !isNewer(this.#pod, written)) this.#pod = written;
  }

  #graceMs(): number {
    const { metadata, spec } = this.#pod;
    return (metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  async #idle(wakeAtMs: number | undefined): Promise<void> {
    const { clock } = this.#context;
    if (this.#dirty) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resume = resolve;
    const cancel = wakeAtMs === undefined ? () => undefined : clock.after(wakeAtMs - clock.now(), resolve);
    await promise;
    cancel();
  }
}

/** The pod went away meanwhile, or another one has its name now: the cache will tell. */
function ignoreGone(error: unknown): undefined {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}

function isNewer(a: Pod, b: Pod): boolean {
  return BigInt(a.metadata.resourceVersion ?? '0') > BigInt(b.metadata.resourceVersion ?? '0');
}
