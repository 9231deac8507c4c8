import { type Clock, scaledClock, systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { ConfigMap, KubeObject } from '../../shared/kube/object.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../world/api-server/server.ts';

/** An API server, and what shared/kube needs to talk to it. Back-offs and leases run ten times as fast as they are. */
export interface Plane {
  server: ApiServer;
  client: KubeClient;
  runtime: Runtime;
  clock: Clock;
  /** Ends what a test started. */
  abort: AbortController;
  connect(options?: { concurrency?: number; user?: string; requestTimeoutMs?: number }): KubeClient;
  stop(): Promise<void>;
}

export async function startPlane(options: Partial<ApiServerOptions> = {}): Promise<Plane> {
  const clock = scaledClock(systemClock, 10);
  const server = await startApiServer({ clock, name: 'runtime', ...options });
  const abort = new AbortController();
  const clients: KubeClient[] = [];
  const connect: Plane['connect'] = ({ user, ...limits } = {}) => {
    const client = createKubeClient({ kubeconfig: { text: server.kubeconfig(user) }, clock, ...limits });
    clients.push(client);
    return client;
  };
  const runtime: Runtime = { clock, random: () => 0.5, log: silentLog, meters: silentMeters };
  return {
    server,
    client: connect(),
    runtime,
    clock,
    abort,
    connect,
    async stop() {
      abort.abort();
      await Promise.all(clients.map((client) => client.close()));
      await server.stop();
    },
  };
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data };
}

export function namesOf(objects: readonly KubeObject[]): string[] {
  return objects.map((object) => object.metadata.name).sort();
}
