import type { Clock } from '../../../shared/core/clock.ts';
import { sha256Hex } from '../../../shared/core/hash.ts';
import { Container } from './container.ts';
import type { ContainerPlaces, StartOptions } from './container-place.ts';
import { expanded } from './downward.ts';

/** Instances of a container that are remembered: the newest, and the one before it for `lastState`. */
const instancesKept = 2;

/** What the node's container runtime holds of one pod. */
export interface PodRecord {
  readonly uid: string;
  readonly folder: string;
  readonly containers: Map<string, { instances: Container[]; attempts: number }>;
}

export interface ContainerRuntimeOptions {
  readonly clock: Clock;
  readonly folder: string;
  readonly places: ContainerPlaces;
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
    const place = await this.#options.places.make({ ...options, folder });
    const container = new Container({
      id: `containerd://${sha256Hex(`${record.uid}/${spec.name}/${history.attempts}`)}`,
      boot: this.#boot,
      attempt: history.attempts,
      imageName: spec.image ?? '',
      imageID: image.id,
      argv: argvOf(options),
      place,
      fallBackToLog: spec.terminationMessagePolicy === 'FallbackToLogsOnError',
      clock: this.#options.clock,
    });
    await container.start();
    history.instances.push(container);
    if (history.instances.length > instancesKept) history.instances.shift();
    const forgotten = `${record.folder}/containers/${spec.name}/${history.attempts - instancesKept}`;
    await this.#options.places.remove(forgotten);
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
    await this.#options.places.remove(record.folder);
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
}

function argvOf({ spec, image, variables }: StartOptions): string[] {
  const command = spec.command ?? image.config.Entrypoint ?? [];
  // A command of its own takes the image's arguments away too.
  const rest = spec.args ?? (spec.command ? [] : (image.config.Cmd ?? []));
  return [...command, ...rest].map((part) => expanded(part, variables));
}
