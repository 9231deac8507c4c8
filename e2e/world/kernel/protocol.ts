import type { Errno } from './module-table.ts';

/** What the stand-in modprobe asks the modelled kernel, one JSON line each way, over `KMM_WORLD_KERNEL`. */
export type KernelRequest =
  | { call: 'state' }
  /** `finit_module`; `path` is where the file lies on this machine. */
  | { call: 'insert'; path: string; parameters: string }
  /** `delete_module` with O_NONBLOCK. */
  | { call: 'remove'; name: string };

export interface KernelState {
  release: string;
  modules: readonly { name: string; useCount: number }[];
}

export interface KernelAnswer {
  state?: KernelState;
  errno?: Errno;
}
