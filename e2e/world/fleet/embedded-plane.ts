import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { applyDefinitions, ourDefinitions } from '../api-server/definitions.ts';
import { startApiServer } from '../api-server/server.ts';
import { startGarbageCollector } from '../controllers/garbage-collector.ts';
import { startNamespaceController } from '../controllers/namespace-controller.ts';
import type { RunningWorldController, WorldControllerOptions } from '../controllers/options.ts';
import { startClusterControllers } from '../controllers/start.ts';
import { ocmDefinitions } from '../ocm/definitions.ts';
import type { ConnectOptions, Plane, PlaneOptions, Right } from './plane.ts';
import { addToTally } from './tally.ts';
import { programUsers } from './users.ts';

/** A control plane in this process, with the controllers of `e2e/world/controllers`. Everybody may do everything. */
export async function startEmbeddedPlane({ name, runtime, role }: PlaneOptions): Promise<Plane> {
  const server = await startApiServer({ clock: runtime.clock, name });
  const clients: KubeClient[] = [];
  const connect = (user: string, options: ConnectOptions = {}): KubeClient => {
    const kubeconfig = { text: server.kubeconfig(user) };
    const client = createKubeClient({ userAgent: `world/${user}`, ...options, kubeconfig });
    clients.push(client);
    return client;
  };
  const client = connect('system:admin');
  await applyDefinitions(client, [...ourDefinitions(), ...ocmDefinitions()]);
  const stopping = new AbortController();
  const managerClient = connect('system:kube-controller-manager');
  const running = controllers({ client: managerClient, runtime, signal: stopping.signal }, role);
  const withheld = new Set<Right>();
  return {
    name,
    embedded: server,
    client,
    kubeconfig: (user) => Promise.resolve(server.kubeconfig(user)),
    connect: (...args) => Promise.resolve(connect(...args)),
    async createNamespace(namespace) {
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    },
    requests: (user) => Promise.resolve(server.requests.matching({ user })),
    withhold(right) {
      withheld.add(right);
      server.setAuthorize(({ user, resource, verb }) =>
        [...withheld].every((each) => user !== each.user || resource !== each.resource || !each.verbs.includes(verb)),
      );
      return Promise.resolve(() => {
        withheld.delete(right);
        return Promise.resolve();
      });
    },
    async stop() {
      stopping.abort();
      await Promise.all(running.map(({ stopped }) => stopped));
      await Promise.all(clients.map((each) => each.close()));
      const ours = Object.values(programUsers).flatMap((user) => server.requests.matching({ user }));
      addToTally({ requests: server.requests.total, ours: ours.length });
      await server.stop();
    },
  };
}

function controllers(options: WorldControllerOptions, role: PlaneOptions['role']): RunningWorldController[] {
  return role === 'spoke'
    ? [startClusterControllers(options)]
    : [startGarbageCollector(options), startNamespaceController(options)];
}
