import { mkdir, rm } from 'node:fs/promises';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import { nodes } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { RegistryClient } from '../../../shared/registry/client.ts';
import type { DockerConfig } from '../../../shared/registry/docker-config.ts';
import { type Kernel, type KernelConfig, startKernel } from '../kernel/kernel.ts';
import type { Taint } from './admission.ts';
import type { Container } from './container.ts';
import { ContainerRuntime } from './container-runtime.ts';
import { FolderPlaces } from './folder-places.ts';
import { goArchitecture, ImageStore } from './image-store.ts';
import { Kubelet, type StartHooks } from './kubelet.ts';
import type { NodeFacts } from './node-object.ts';
import { Processes } from './processes.ts';
import { writeStandIns } from './stand-ins.ts';

export interface NodeOptions {
  /** The node's own. */
  readonly client: KubeClient;
  /** Of who cordons and taints: kubelet itself may not. */
  readonly admin: KubeClient;
  readonly runtime: Runtime;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly kernel: KernelConfig;
  /** What it says of its operating system. */
  readonly osImage?: string | undefined;
  /** How registries are trusted: the world's registry has an authority of its own. */
  readonly registry: { readonly caPem?: string | undefined };
  /** Kubelet's own, for images that no pod names a Secret for. */
  readonly logins?: readonly DockerConfig[];
  /** Empty or absent folder of this node alone; it is removed by `stop`. */
  readonly folder: string;
  /** How many times faster than real time `runtime.clock` runs: programs cannot see the clock, their `sleep` must. */
  readonly timeFactor?: number;
}

/** A node of the world: kubelet, container runtime and modelled kernel, which talk to the API server and the registry only. */
export interface WorldNode {
  readonly name: string;
  readonly kernel: Kernel;
  /** The node's root folder on this machine: `run/kmm`, `lib/modules`, `proc`, … */
  readonly hostRoot: string;
  /** All processes end without any hook, the kernel starts anew, then kubelet does: the pods that are bound to the node start again. */
  reboot(options?: StartHooks & { kernel?: Partial<KernelConfig> }): Promise<void>;
  /** Containers keep running. */
  restartKubelet(hooks?: StartHooks): Promise<void>;
  /** Nobody looks after the pods any more; whoever watches nodes marks this one NotReady (`markUnreachable`). */
  stopKubelet(): Promise<void>;
  startKubelet(hooks?: StartHooks): Promise<void>;
  cordon(): Promise<void>;
  uncordon(): Promise<void>;
  /** Adds the taint, or replaces the one of the same key and effect. */
  taint(taint: Taint): Promise<void>;
  untaint(key: string): Promise<void>;
  /** The process dies as by the OOM killer: kubelet sees a container that ended. */
  killContainer(pod: PodIdentity, container: string): void;
  /** Takes an image off the node's disk: the next pod pulls it again. */
  removeImage(image: string): Promise<void>;
  /** What the container's newest instances wrote, oldest first; the output of its hooks and probes apart. Empty when the pod is gone. */
  logs(pod: PodIdentity, container: string): { output: string; hooks: string };
  /** Processes of containers that run now. */
  runningContainers(): number;
  /** Ends everything and removes the folder; the Node object stays. */
  stop(): Promise<void>;
}

/** A pod as the API gives it. */
export type PodIdentity = { readonly metadata: { uid?: string } };

const cordonTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const registryTimeoutMs = 30_000;

/** Starts a node; resolves once it is registered. */
export async function startNode(options: NodeOptions): Promise<WorldNode> {
  const node = new ModelledNode(options, await parts(options));
  await node.startKubelet();
  return node;
}

interface Parts {
  readonly kernel: Kernel;
  readonly registry: RegistryClient;
  readonly images: ImageStore;
  readonly processes: Processes;
  readonly containers: ContainerRuntime;
  readonly hostRoot: string;
}

async function parts({
  runtime,
  kernel: config,
  folder,
  registry: trust,
  timeFactor = 1,
}: NodeOptions): Promise<Parts> {
  const hostRoot = `${folder}/host`;
  await mkdir(hostRoot, { recursive: true });
  const { clock, random } = runtime;
  const kernel = await startKernel({ ...config, folder: hostRoot, random });
  const timeoutMs = registryTimeoutMs * timeFactor;
  const registry = new RegistryClient({ clock, extraCa: trust.caPem, timeoutMs });
  const images = new ImageStore({ registry, folder: `${folder}/images` });
  const processes = new Processes();
  const standIns = await writeStandIns(`${folder}/stand-ins`, kernel, timeFactor);
  const places = new FolderPlaces({ kernel, images, processes, standIns });
  const containers = new ContainerRuntime({ clock, folder: `${folder}/pods`, places });
  return { kernel, registry, images, processes, containers, hostRoot };
}

class ModelledNode implements WorldNode {
  readonly name: string;
  readonly #options: NodeOptions;
  readonly #parts: Parts;
  #kubelet: Kubelet | undefined;

  constructor(options: NodeOptions, all: Parts) {
    this.name = options.name;
    this.#options = options;
    this.#parts = all;
  }

  get kernel(): Kernel {
    return this.#parts.kernel;
  }

  get hostRoot(): string {
    return this.#parts.hostRoot;
  }

  async startKubelet(hooks?: StartHooks): Promise<void> {
    const { client, runtime, timeFactor = 1, logins = [] } = this.#options;
    const { containers, images, hostRoot } = this.#parts;
    const { name } = this;
    const facts = () => this.#facts();
    const from = { containers, images, hostRoot, logins };
    this.#kubelet = new Kubelet({ ...from, client, runtime, name, timeFactor, facts });
    await this.#kubelet.start(hooks);
  }

  async stopKubelet(): Promise<void> {
    await this.#kubelet?.stop();
    this.#kubelet = undefined;
  }

  async restartKubelet(hooks?: StartHooks): Promise<void> {
    await this.stopKubelet();
    await this.startKubelet(hooks);
  }

  async reboot({ kernel, ...hooks }: StartHooks & { kernel?: Partial<KernelConfig> } = {}): Promise<void> {
    await this.stopKubelet();
    await this.#parts.containers.crash();
    await this.kernel.reboot(kernel);
    await this.startKubelet(hooks);
  }

  async cordon(): Promise<void> {
    await this.#patchSpec({ unschedulable: true });
    await this.taint(cordonTaint);
  }

  async uncordon(): Promise<void> {
    await this.#patchSpec({ unschedulable: null });
    await this.untaint(cordonTaint.key);
  }

  taint(taint: Taint): Promise<void> {
    const isOther = ({ key, effect }: Taint) => key !== taint.key || effect !== taint.effect;
    return this.#changeTaints((taints) => [...taints.filter(isOther), taint]);
  }

  untaint(key: string): Promise<void> {
    return this.#changeTaints((taints) => taints.filter((taint) => taint.key !== key));
  }

  killContainer(pod: PodIdentity, container: string): void {
    this.#instances(pod, container).at(-1)?.kill();
  }

  removeImage(image: string): Promise<void> {
    return this.#parts.images.remove(image);
  }

  logs(pod: PodIdentity, container: string): { output: string; hooks: string } {
    const instances = this.#instances(pod, container);
    return {
      output: instances.map(({ log }) => log).join(''),
      hooks: instances.map(({ execLog }) => execLog).join(''),
    };
  }

  runningContainers(): number {
    const histories = this.#parts.containers.records().flatMap(({ containers }) => [...containers.values()]);
    return histories.flatMap(({ instances }) => instances).filter(({ ended }) => ended === undefined).length;
  }

  async stop(): Promise<void> {
    await this.stopKubelet();
    await this.#parts.containers.crash();
    this.#parts.processes.stop();
    await this.kernel.stop();
    await this.#parts.registry.close();
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  #facts(): NodeFacts {
    const { labels = {}, taints = [], runtime, osImage } = this.#options;
    const { release, bootId } = this.kernel;
    const nowMs = runtime.clock.now();
    return {
      name: this.name,
      labels,
      taints,
      architecture: goArchitecture(),
      kernelVersion: release,
      osImage,
      bootID: bootId,
      nowMs,
    };
  }

  #instances(pod: PodIdentity, container: string): readonly Container[] {
    const record = this.#parts.containers.records().find(({ uid }) => uid === pod.metadata.uid);
    return record?.containers.get(container)?.instances ?? [];
  }

  /** Controllers write taints too: a conflict means to look again. */
  async #changeTaints(change: (taints: readonly Taint[]) => Taint[]): Promise<void> {
    const { admin } = this.#options;
    const node = await admin.get(nodes, { name: this.name });
    const { resourceVersion } = node?.metadata ?? {};
    const body = { metadata: { resourceVersion }, spec: { taints: change(node?.spec?.taints ?? []) } };
    try {
      await admin.patch(nodes, { name: this.name }, { type: 'merge', body });
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#changeTaints(change);
    }
  }

  async #patchSpec(spec: Record<string, unknown>): Promise<void> {
    await this.#options.admin.patch(nodes, { name: this.name }, { type: 'merge', body: { spec } });
  }
}
