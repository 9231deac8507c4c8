import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { applyDefinitions, ocmDefinitions, ourDefinitions } from '../api-server/definitions.ts';
import { type ApiServer, startApiServer } from '../api-server/server.ts';
import { startGarbageCollector } from '../controllers/garbage-collector.ts';
import { startNamespaceController } from '../controllers/namespace-controller.ts';

/** One control plane: an API server with our kinds and OCM's, and the controllers that every cluster has. */
export interface Plane {
  readonly name: string;
  readonly server: ApiServer;
  /** An administrator's. */
  readonly client: KubeClient;
  clientFor(user: string): KubeClient;
  createNamespace(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startPlane(name: string, runtime: Runtime): Promise<Plane> {
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
  const options = { client: clientFor('system:kube-controller-manager'), runtime, signal: stopping.signal };
  const controllers = [startGarbageCollector(options), startNamespaceController(options)];
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
      await Promise.all(controllers.map(({ stopped }) => stopped));
      await Promise.all(clients.map((each) => each.close()));
      await server.stop();
    },
  };
}
