import { annotations, finalizers, labels } from '../../shared/kube/names.ts';
import type { Node, Pod } from '../../shared/kube/object.ts';
import { containers, purposeOf } from '../pods.ts';
import { buildNode, kernelA } from './builders.ts';

interface Container {
  id: string;
  boot: string;
  state: 'running' | 'ended';
  message: string;
  exitCode: number;
}

/**
 * A node's truth, as far as loader pods can notice: its kernel, what is loaded in it and who uses it, and the kubelet
 * that starts and ends containers. What the API server knows of it is what it last reported, part by part.
 */
export class ModelNode {
  readonly name: string;
  boot = 1;
  kernel = kernelA;
  up = true;
  /** Whether images can be pulled: else containers start from those only that are there. */
  pulls = true;
  #images = new Set<string>();
  /** Load hash of what is in the kernel. */
  loaded: string | undefined;
  /** Who holds the kernel module: UIDs of plugin pods, or `app`. */
  users = new Set<string>();
  #containers = new Map<string, Container>();
  #started = 0;

  constructor(name: string) {
    this.name = name;
  }

  get bootId(): string {
    return `${this.name}-boot-${this.boot}`;
  }

  reboot(kernel = this.kernel): void {
    this.boot++;
    this.kernel = kernel;
    this.loaded = undefined;
    this.users.clear();
    for (const container of this.#containers.values())
      Object.assign(container, { state: 'ended', message: '', exitCode: 255 });
  }

  /** The Node object as its kubelet writes it now; labels and annotations are others'. */
  report(present: Node | undefined): Node {
    const fresh = buildNode(this.name, { release: this.kernel, boot: this.bootId, ready: this.up });
    return present === undefined ? fresh : { ...present, status: fresh.status! };
  }

  /** Works on one pod as its kubelet does, and gives its new state in the API; `undefined`: it is gone. */
  sync(pod: Pod): Pod | undefined {
    if (!this.up) return pod;
    const purpose = purposeOf(pod);
    if (purpose === 'device-plugin') return this.#syncPlugin(pod);
    if (pod.metadata.deletionTimestamp === undefined) {
      if (purpose === 'load') this.#load(pod);
      else this.#unloadAny(pod);
      return this.#told(pod);
    }
    if (purpose === 'load') this.#end(pod);
    if (!pod.metadata.finalizers?.includes(finalizers.nodeLabeler)) return undefined;
    const told = this.#told(pod);
    return {
      ...told,
      metadata: { ...told.metadata, deletionGracePeriodSeconds: 0 },
      status: { ...told.status, phase: 'Failed' },
    };
  }

  #syncPlugin(pod: Pod): Pod | undefined {
    const { uid = '', deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      this.users.delete(uid);
      return undefined;
    }
    this.users.add(uid);
    return { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } } as Pod;
  }

  #load(pod: Pod): void {
    const present = this.#containers.get(pod.metadata.uid ?? '');
    if (present?.state === 'running' || !this.#hasImage(pod)) return;
    const hash = pod.metadata.annotations?.[annotations.loadHash] ?? '';
    const container = this.#start(pod);
    if (pod.metadata.labels?.[labels.kernelVersion] !== this.kernel) {
      this.#fail(container, 'run', 'OtherKernel');
      return;
    }
    if (this.loaded !== undefined && this.loaded !== hash) {
      if (this.users.size > 0) {
        this.#fail(container, 'run', 'OtherVersionLoaded');
        return;
      }
      this.loaded = undefined;
    }
    if (pod.spec.containers[0]?.command?.includes('broken=1')) {
      this.#fail(container, 'run', 'RequiredKeyNotAvailable');
      return;
    }
    this.loaded = hash;
  }

  #unloadAny(pod: Pod): void {
    if (!this.#hasImage(pod)) return;
    const container = this.#start(pod);
    if (this.loaded !== undefined && this.users.size > 0) {
      this.#fail(container, 'unload-any', 'ModuleInUse');
      return;
    }
    const result = this.loaded === undefined ? 'NothingToDo' : 'Unloaded';
    this.loaded = undefined;
    this.#finish(container, { verb: 'unload-any', result }, 0);
  }

  /** preStop runs only in a container that runs. */
  #end(pod: Pod): void {
    const container = this.#containers.get(pod.metadata.uid ?? '');
    if (container?.state !== 'running') return;
    if (pod.metadata.deletionGracePeriodSeconds === 0) {
      Object.assign(container, { state: 'ended', message: '', exitCode: 137 });
      return;
    }
    const hash = pod.metadata.annotations?.[annotations.loadHash];
    if (this.loaded !== hash) {
      this.#finish(container, { verb: 'unload', result: 'NothingToDo' }, 0);
      return;
    }
    if (this.users.size > 0) {
      this.#fail(container, 'unload', 'ModuleInUse');
      return;
    }
    this.loaded = undefined;
    this.#finish(container, { verb: 'unload', result: 'Unloaded' }, 0);
  }

  #hasImage(pod: Pod): boolean {
    const image = pod.spec.containers[0]?.image ?? '';
    if (this.pulls) this.#images.add(image);
    return this.#images.has(image);
  }

  #start(pod: Pod): Container {
    const id = `${this.name}-${++this.#started}`;
    const container: Container = { id, boot: this.bootId, state: 'running', message: '', exitCode: 0 };
    this.#containers.set(pod.metadata.uid ?? '', container);
    return container;
  }

  #fail(container: Container, verb: string, reason: string): void {
    this.#finish(container, { verb, result: 'Failed', reason, message: reason, holders: [...this.users] }, 1);
  }

  #finish(container: Container, result: object, exitCode: number): void {
    Object.assign(container, { state: 'ended', exitCode, message: JSON.stringify({ boot: this.bootId, ...result }) });
  }

  /** kubelet reports a container that it cannot find as ended when it deletes a pod whose init containers are done. */
  #neverStarted(pod: Pod): NonNullable<Pod['status']> {
    const { metadata } = pod;
    const purpose = purposeOf(pod);
    const state =
      metadata.deletionTimestamp === undefined
        ? { waiting: { reason: 'ImagePullBackOff' } }
        : { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } };
    const look = { verb: 'look', result: this.loaded === undefined ? 'NothingToDo' : 'Held' };
    const message = JSON.stringify({ boot: this.bootId, ...(purpose === 'unload' && look) });
    return {
      phase: 'Pending',
      initContainerStatuses: [{ name: containers.tools, state: { terminated: { exitCode: 0, message } } }],
      containerStatuses: [{ name: containers.loader, restartCount: 0, state, lastState: {} }],
    } as unknown as NonNullable<Pod['status']>;
  }

  #told(pod: Pod): Pod {
    const container = this.#containers.get(pod.metadata.uid ?? '');
    if (container === undefined) return { ...pod, status: this.#neverStarted(pod) };
    const { id, boot, message, exitCode } = container;
    const running = container.state === 'running';
    const terminated = { exitCode, containerID: id, finishedAt: '2026-01-01T00:00:09Z', ...(message && { message }) };
    const succeeded = purposeOf(pod) === 'unload' && !running && exitCode === 0;
    return {
      ...pod,
      status: {
        phase: succeeded ? 'Succeeded' : 'Running',
        conditions: [{ type: 'Ready', status: running ? 'True' : 'False' }],
        initContainerStatuses: [
          { name: containers.tools, state: { terminated: { exitCode: 0, message: JSON.stringify({ boot }) } } },
        ],
        containerStatuses: [
          {
            name: containers.loader,
            containerID: id,
            restartCount: 0,
            state: running ? { running: {} } : { terminated },
            lastState: {},
          },
        ],
      },
    } as unknown as Pod;
  }
}
