import { mkdir, rm } from 'node:fs/promises';
import type { Clock } from '../../../shared/core/clock.ts';
import { sha256Hex } from '../../../shared/core/hash.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Container } from './container.ts';
import { expanded } from './downward.ts';
import type { ContainerSpec } from './environment.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import { placeLink, placeMounts, placeTerminationLog } from './mounts.ts';
import type { Processes } from './processes.ts';
import { pathFor, type StandIns } from './stand-ins.ts';

/** Instances of a container that are remembered: the newest, and the one before it for `lastState`. */
const instancesKept = 2;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the node's container runtime holds of one pod. */
export interface PodRecord {
  readonly uid: string;
  readonly folder: string;
  readonly containers: Map<string, { instances: Container[]; attempts: number }>;
}

export interface StartOptions {
  readonly pod: Pod;
  readonly spec: ContainerSpec;
  readonly image: StoredImage;
  readonly volumes: ReadonlyMap<string, string>;
  readonly variables: Readonly<Record<string, string>>;
}

export interface ContainerRuntimeOptions {
  readonly clock: Clock;
  readonly folder: string;
  readonly kernel: Kernel;
  readonly images: ImageStore;
  readonly processes: Processes;
  readonly standIns: StandIns;
}

/** The containers of one node: they go on while kubelet is down, and end when the node does. */
export class ContainerRuntime {
  readonly #options: ContainerRuntimeOptions;
  readonly #pods = new Map<string, PodRecord>();
  #boot = 1;

  constructor(options: ContainerRuntimeOptions) {
    this.#options = options;
  }

  get boot(): number {
    return this.#boot;
  }

  records(): readonly PodRecord[] {
    return [...this.#pods.values()];
  }

  record(uid: string): PodRecord {
    const record = this.#pods.get(uid) ?? { uid, folder: `${this.#options.folder}/${uid}`, containers: new Map() };
    this.#pods.set(uid, record);
    return record;
  }

  /** Starts the next instance of a container. Every instance has files of its own. */
  async start(options: StartOptions): Promise<Container> {
    const { pod, spec, image } = options;
    const record = this.record(pod.metadata.uid ?? '');
    const history = record.containers.get(spec.name) ?? { instances: [], attempts: 0 };
    record.containers.set(spec.name, history);
    history.attempts += 1;
    const folder = `${record.folder}/containers/${spec.name}/${history.attempts}`;
    const rootfs = `${folder}/rootfs`;
    await mkdir(folder, { recursive: true });
    await this.#options.images.copyTo(image, rootfs);
    const terminationLog = await this.#placeFiles(options, folder, rootfs);
    const environment = this.#environment(options, rootfs);
    const container = new Container({
      id: `containerd://${sha256Hex(`${record.uid}/${spec.name}/${history.attempts}`)}`,
      boot: this.#boot,
      attempt: history.attempts,
      imageName: spec.image ?? '',
      imageID: image.id,
      argv: argvOf(options),
      rootfs,
      workingFolder: rootfs + (spec.workingDir ?? image.config.WorkingDir ?? ''),
      environment,
      path: containerPath(options),
      terminationLog,
      fallBackToLog: spec.terminationMessagePolicy === 'FallbackToLogsOnError',
      processes: this.#options.processes,
      clock: this.#options.clock,
    });
    await container.start();
    history.instances.push(container);
    if (history.instances.length > instancesKept) history.instances.shift();
    const forgotten = `${record.folder}/containers/${spec.name}/${history.attempts - instancesKept}`;
    await rm(forgotten, { recursive: true, force: true });
    return container;
  }

  /** Kills what still runs of a pod, without hooks, and forgets it. */
  async remove(uid: string): Promise<void> {
    const record = this.#pods.get(uid);
    if (record === undefined) return;
    const containers = [...record.containers.values()].flatMap(({ instances }) => instances);
    for (const container of containers) container.kill();
    await Promise.all(containers.map((container) => container.whenEnded));
    this.#pods.delete(uid);
    await rm(record.folder, { recursive: true, force: true });
  }

  /** The node goes down: every container ends, none gets a signal that it could handle. */
  async crash(): Promise<void> {
    const containers = this.records().flatMap(({ containers: all }) =>
      [...all.values()].flatMap(({ instances }) => instances),
    );
    for (const container of containers) container.crash();
    await Promise.all(containers.map((container) => container.whenEnded));
    this.#boot += 1;
  }

  async #placeFiles({ spec, pod, volumes }: StartOptions, folder: string, rootfs: string): Promise<string> {
    const hostVolumes = new Set((pod.spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name));
    await placeLink(rootfs, '/proc', this.#options.kernel.procFolder);
    await placeMounts({ rootfs, folder, container: spec, volumes, hostVolumes });
    await mkdir(rootfs + (spec.workingDir ?? '/'), { recursive: true });
    return placeTerminationLog(rootfs, folder, spec.terminationMessagePath ?? '/dev/termination-log');
  }

  #environment(options: StartOptions, rootfs: string): Record<string, string> {
    return {
      HOME: rootfs,
      HOSTNAME: options.pod.spec.hostNetwork ? (options.pod.spec.nodeName ?? '') : options.pod.metadata.name,
      ...imageVariables(options.image),
      ...options.variables,
      ...this.#options.standIns.environment,
      ROOT: rootfs,
      PATH: pathFor(this.#options.standIns, rootfs, containerPath(options)),
    };
  }
}

function argvOf({ spec, image, variables }: StartOptions): string[] {
  const command = spec.command ?? image.config.Entrypoint ?? [];
  // A command of its own takes the image's arguments away too.
  const rest = spec.args ?? (spec.command ? [] : (image.config.Cmd ?? []));
  return [...command, ...rest].map((part) => expanded(part, variables));
}

function containerPath({ image, variables }: StartOptions): string {
  return variables['PATH'] ?? imageVariables(image)['PATH'] ?? defaultPath;
}

function imageVariables(image: StoredImage): Record<string, string> {
  const pairs = (image.config.Env ?? []).map((entry) => entry.split(/=(.*)/s, 2) as [string, string]);
  return Object.fromEntries(pairs.map(([name, value]) => [name, value ?? '']));
}
