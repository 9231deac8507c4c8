import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { applyDefinitions, ourDefinitions } from '../api-server/definitions.ts';
import { type ApiServer, startApiServer } from '../api-server/server.ts';
import { startGarbageCollector } from '../controllers/garbage-collector.ts';
import { startNamespaceController } from '../controllers/namespace-controller.ts';
import type { RunningWorldController, WorldControllerOptions } from '../controllers/options.ts';
import { ocmDefinitions } from '../ocm/definitions.ts';

/** One control plane: an API server with our kinds and OCM's, and the controllers of its kind of cluster. */
export interface Plane {
  readonly name: string;
  readonly server: ApiServer;
  /** An administrator's. */
  readonly client: KubeClient;
  clientFor(user: string): KubeClient;
  createNamespace(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPlane(name: string, runtime: Runtime, controllers = planeControllers): Promise<Plane> {
  const server = await startApiServer({ clock: runtime.clock, name });
  const clients: KubeClient[] = [];
  const clientFor = (user: string): KubeClient => {
    const userAgent = `world/${user}`;
    const client = createKubeClient({ kubeconfig: { text: server.kubeconfig(user) }, userAgent });
    clients.push(client);
    return client;
  };
  const client = clientFor('system:admin');
  await applyDefinitions(client, [...ourDefinitions(), ...ocmDefinitions()]);
  const stopping = new AbortController();
  const managerClient = clientFor('system:kube-controller-manager');
  const running = controllers({ client: managerClient, runtime, signal: stopping.signal });
  return {
    name,
    server,
    client,
    clientFor,
    async createNamespace(namespace) {
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    },
    async stop() {
      stopping.abort();
      await Promise.all(running.map(({ stopped }) => stopped));
      await Promise.all(clients.map((each) => each.close()));
      await server.stop();
    },
  };
}

/** What every control plane has, with or without nodes. */
export function planeControllers(options: WorldControllerOptions): RunningWorldController[] {
  return [startGarbageCollector(options), startNamespaceController(options)];
}
