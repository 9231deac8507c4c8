import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';

/** What every controller of the world gets; it works until `signal` aborts. */
export interface WorldControllerOptions {
  client: KubeClient;
  runtime: Runtime;
  signal: AbortSignal;
}

export interface RunningWorldController {
  /** Resolves when the signal aborted and the last reconcile ended. */
  stopped: Promise<void>;
}
