import type { Pod } from '../../../shared/kube/object.ts';
import type { ContainerSpec } from './environment.ts';
import type { StoredImage } from './image-store.ts';
import type { WorldProcess } from './processes.ts';

/** What a container is started from. */
export interface StartOptions {
  readonly pod: Pod;
  readonly spec: ContainerSpec;
  readonly image: StoredImage;
  /** By name, where kubelet has put them (`setUpVolumes`). */
  readonly volumes: ReadonlyMap<string, string>;
  readonly variables: Readonly<Record<string, string>>;
}

/** Where one instance of a container lives: its files, and how programs run among them. */
export interface ContainerPlace {
  /** Throws `StartError` when there is no such program or it cannot be executed. */
  spawn(argv: readonly string[], onOutput: (text: string) => void): Promise<WorldProcess>;
  /** The last so many bytes of the termination log; empty where there is none. */
  terminationLog(bytesMax: number): Promise<string>;
}

/** The seam between kubelet's container runtime and what runs containers: this machine, or a virtual one. */
export interface ContainerPlaces {
  /** Makes the files of one instance; `folder` is its name, and below its pod's. */
  make(options: StartOptions & { folder: string }): Promise<ContainerPlace>;
  /** Removes the files of an instance, or of a pod. */
  remove(folder: string): Promise<void>;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** PATH inside of the container. */
export function containerPath({ image, variables }: StartOptions): string {
  return variables['PATH'] ?? imageVariables(image)['PATH'] ?? defaultPath;
}

/** What is in every container's environment: of the runtime, the image, and the pod. */
export function containerEnvironment({ pod, image, variables }: StartOptions): Record<string, string> {
  return {
    HOSTNAME: pod.spec.hostNetwork ? (pod.spec.nodeName ?? '') : pod.metadata.name,
    ...imageVariables(image),
    ...variables,
  };
}

function imageVariables(image: StoredImage): Record<string, string> {
  const pairs = (image.config.Env ?? []).map((entry) => entry.split(/=(.*)/s, 2) as [string, string]);
  return Object.fromEntries(pairs.map(([name, value]) => [name, value ?? '']));
}
