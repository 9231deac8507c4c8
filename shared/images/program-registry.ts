import type { Runtime } from '../kube/runtime.ts';
import { RegistryClient } from '../registry/client.ts';

export interface ProgramRegistryOptions {
  runtime: Pick<Runtime, 'clock' | 'meters'>;
  /** `registry` of the configuration. */
  config: { concurrency: number; timeout: number };
  /** PEM certificates that registries are trusted with, beside the system's. */
  extraCa?: string | undefined;
}

/** The one client of registries that a program has: bounded as its configuration says, and counted. */
export function programRegistry({ runtime, config, extraCa }: ProgramRegistryOptions): RegistryClient {
  const requests = runtime.meters.counter({
    name: 'kmm_registry_requests_total',
    help: 'Requests to image registries by method and outcome: a status, its class, or why there was none',
    labels: ['method', 'outcome'],
  });
  return new RegistryClient({
    clock: runtime.clock,
    extraCa,
    concurrency: config.concurrency,
    timeoutMs: config.timeout,
    onRequest: (method, outcome) => requests.add({ method, outcome }),
  });
}
