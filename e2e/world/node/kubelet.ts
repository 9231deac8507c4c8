import { assert } from '../../../shared/core/assert.ts';
import { Cache, type Change } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { EventRecorder } from '../../../shared/kube/events.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { nodes, pods } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import type { DockerConfig } from '../../../shared/registry/docker-config.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { ImageStore } from './image-store.ts';
import type { NodeFacts } from './node-object.ts';
import { keepHeartbeat, registerNode } from './node-registration.ts';
import { PodWorker, type WorkerContext } from './pod-worker.ts';
import { aborted } from './termination.ts';

export interface KubeletOptions {
  readonly client: KubeClient;
  readonly runtime: Runtime;
  readonly name: string;
  readonly containers: ContainerRuntime;
  readonly images: ImageStore;
  readonly hostRoot: string;
  /** The node's own, beside those of each pod's Secrets. */
  readonly logins: readonly DockerConfig[];
  readonly timeFactor: number;
  readonly facts: () => NodeFacts;
}

/** What happens first when kubelet starts is a race in a real node; here a test may decide it. */
export interface StartHooks {
  /** Awaited before the Node's status is written. */
  readonly beforeNodeStatus?: () => Promise<void>;
  /** Awaited before kubelet looks at its pods. */
  readonly beforePods?: () => Promise<void>;
  /** Running containers with a readiness probe become not ready until probed: kubelet before 1.35, and so the default. */
  readonly readinessFlap?: boolean;
}

/** Real milliseconds that the programs of probes and hooks get at least, however fast the clock runs. */
const probeRealMsMin = 5_000;
const hookRealMsMin = 10_000;

/** One life of kubelet, from start to stop. Containers, images and files belong to the node and stay. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #life = new AbortController();
  readonly #workers = new Map<string, PodWorker>();
  readonly #running: Promise<unknown>[] = [];
  readonly #events: EventRecorder;
  readonly #cache: Cache<Pod>;

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { client, runtime, name } = options;
    this.#events = new EventRecorder({ client, runtime, controller: 'kubelet', instance: name });
    this.#cache = new Cache({ client, resource: pods, runtime, fieldSelector: `spec.nodeName=${name}` });
  }

  /** Resolves once the node is registered. */
  async start(hooks: StartHooks = {}): Promise<void> {
    const registered = this.#register(hooks);
    this.#running.push(registered, this.#watchPods(hooks));
    await registered;
  }

  /** Containers go on; nobody looks after them. */
  async stop(): Promise<void> {
    this.#life.abort();
    // A start that failed was told to who started; here it only must be over.
    await Promise.allSettled(this.#running);
    await Promise.all([...this.#workers.values()].map((worker) => worker.finished));
  }

  async #register({ beforeNodeStatus }: StartHooks): Promise<void> {
    await Promise.race([beforeNodeStatus?.(), aborted(this.#life.signal)]);
    const { client, runtime, facts } = this.#options;
    const options = { client, runtime, facts, signal: this.#life.signal };
    await registerNode(options);
    this.#running.push(keepHeartbeat(options));
  }

  async #watchPods(hooks: StartHooks): Promise<void> {
    const { signal } = this.#life;
    await Promise.race([hooks.beforePods?.(), aborted(signal)]);
    if (signal.aborted) return;
    const context = this.#workerContext(hooks);
    this.#cache.subscribe((change) => this.#follow(change, context));
    this.#cache.start(signal);
    await this.#cache.whenSynced(signal);
    if (!signal.aborted) await this.#removeOrphans();
  }

  #workerContext({ readinessFlap = true }: StartHooks): WorkerContext {
    const { client, runtime, containers, images, hostRoot, logins, timeFactor, name } = this.#options;
    return {
      client,
      clock: runtime.clock,
      log: runtime.log.child({ node: name }),
      runtime: containers,
      images,
      hostRoot,
      logins,
      programMsMin: { probe: probeRealMsMin * timeFactor, hook: hookRealMsMin * timeFactor },
      readinessFlap,
      readNode: async () => {
        const node = await client.get(nodes, { name });
        assert(node, `expected node ${name} to be registered`);
        return node;
      },
      warn: (pod, reason, note) =>
        this.#events.record({ regarding: pod, type: 'Warning', reason, note, action: 'SyncPod' }),
      signal: this.#life.signal,
    };
  }

  #follow({ previous, current }: Change<Pod>, context: WorkerContext): void {
    if (this.#life.signal.aborted) return;
    const uid = previous?.metadata.uid;
    if (uid !== undefined && uid !== current?.metadata.uid) this.#workers.get(uid)?.vanish();
    if (current === undefined) return;
    const known = this.#workers.get(current.metadata.uid ?? '');
    if (known) known.update(current);
    else this.#take(current, context);
  }

  #take(pod: Pod, context: WorkerContext): void {
    const uid = pod.metadata.uid ?? '';
    const worker = new PodWorker(context, pod);
    this.#workers.set(uid, worker);
    void worker.finished.then(() => this.#workers.delete(uid));
  }

  /** Containers of pods that went away while kubelet was down. */
  async #removeOrphans(): Promise<void> {
    const { containers } = this.#options;
    const orphans = containers.records().filter(({ uid }) => !this.#workers.has(uid));
    await Promise.all(orphans.map(({ uid }) => containers.remove(uid)));
  }
}
