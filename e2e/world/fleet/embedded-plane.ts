import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { applyDefinitions, ourDefinitions } from '../api-server/definitions.ts';
import type { Authorize } from '../api-server/http/pipeline.ts';
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
export async function startEmbeddedPlane({ name, runtime, role, nodes }: PlaneOptions): Promise<Plane> {
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
  const running = controllers({ client: managerClient, runtime, signal: stopping.signal }, nodes ?? role === 'spoke');
  const refusals = new Set<Authorize>();
  server.setAuthorize((request) => [...refusals].every((allows) => allows(request)));
  const refuse = (allows: Authorize) => {
    refusals.add(allows);
    return Promise.resolve(() => {
      refusals.delete(allows);
      return Promise.resolve();
    });
  };
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
    withhold: (right) =>
      refuse(({ user, resource, verb }) => !isOf(right, user, resource) || !right.verbs.includes(verb)),
    refusePrivilegedPods: (of) =>
      refuse(({ verb, resource, namespace }) => verb !== 'create' || resource !== 'pods' || namespace !== of),
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

function isOf(right: Right, user: string, resource: string): boolean {
  return user === right.user && resource === right.resource;
}

function controllers(options: WorldControllerOptions, nodes: boolean): RunningWorldController[] {
  return nodes
    ? [startClusterControllers(options)]
    : [startGarbageCollector(options), startNamespaceController(options)];
}
