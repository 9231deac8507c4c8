import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { namespaces } from '../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { startApiServer } from '../world/api-server/server.ts';
import { startClusterControllers } from '../world/controllers/start.ts';

/** A control plane that the suite holds to Kubernetes' behaviour. */
export interface Plane {
  client: KubeClient;
  /** A namespace that nothing else uses. */
  newNamespace(): Promise<string>;
  stop(): Promise<void>;
}

/** The embedded API server with its controllers. */
export async function startPlane(): Promise<Plane> {
  const server = await startApiServer({ clock: systemClock, name: 'conformance' });
  const client = createKubeClient({ kubeconfig: { text: server.kubeconfig() } });
  const controllerClient = createKubeClient({ kubeconfig: { text: server.kubeconfig('system:controllers') } });
  const stopping = new AbortController();
  const { signal } = stopping;
  const runtime: Runtime = { clock: systemClock, random: () => 0.5, log: silentLog, meters: silentMeters };
  const controllers = startClusterControllers({ client: controllerClient, runtime, signal });
  return {
    client,
    async newNamespace() {
      const made = await client.create<KubeObject>(namespaces, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: '', generateName: 'conformance-' },
      });
      return made.metadata.name;
    },
    async stop() {
      stopping.abort();
      await controllers.stopped;
      await Promise.all([client.close(), controllerClient.close()]);
      await server.stop();
    },
  };
}
