import type { Pod } from '../../../shared/kube/object.ts';
import type { Refusal } from './admission.ts';

export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

/** How one instance of a container ended. */
export interface Ended {
  readonly containerID: string;
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  /** 0 when the process never ran (`StartError`), as the runtime reports it. */
  readonly startedMs: number;
  readonly endedMs: number;
}

/** What kubelet knows of one container of a pod. */
export interface ContainerPicture {
  readonly name: string;
  readonly kind: 'init' | 'main';
  readonly image: string;
  readonly imageID: string;
  readonly restartCount: number;
  readonly running?: { readonly containerID: string; readonly startedMs: number } | undefined;
  /** The newest instance, when it ended. */
  readonly last?: Ended | undefined;
  /** The instance before the newest one. */
  readonly before?: Ended | undefined;
  /** kubelet is about to start it (again), and why it does not run yet. */
  readonly waiting?: Waiting | undefined;
  readonly ready: boolean;
  readonly started: boolean;
}

/** Everything that a pod's status is computed from. */
export interface PodPicture {
  readonly pod: Pod;
  readonly containers: readonly ContainerPicture[];
  readonly hostIP: string;
  readonly podIP: string;
  readonly startMs: number;
  readonly nowMs: number;
  readonly refusal?: Refusal | undefined;
  /** All processes of a deleted pod ended: its phase becomes final. */
  readonly terminal: boolean;
}
