import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { type Runtime, silentMeters } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { rawClient } from '../world/api-server/raw-client.ts';
import { startApiServer } from '../world/api-server/server.ts';
import { startClusterControllers } from '../world/controllers/start.ts';
import type { StartedPlane } from './plane.ts';

/** The embedded API server with its controllers. */
export async function startEmbeddedPlane(): Promise<StartedPlane> {
  const server = await startApiServer({ clock: systemClock, name: 'conformance' });
  const kubeconfig = server.kubeconfig();
  const client = createKubeClient({ kubeconfig: { text: kubeconfig } });
  const raw = rawClient(kubeconfig);
  const controllerClient = createKubeClient({ kubeconfig: { text: server.kubeconfig('system:controllers') } });
  const stopping = new AbortController();
  const { signal } = stopping;
  const runtime: Runtime = { clock: systemClock, random: () => 0.5, log: silentLog, meters: silentMeters };
  const controllers = startClusterControllers({ client: controllerClient, runtime, signal });
  return {
    client,
    raw,
    kubeconfig,
    async compact() {
      server.compact();
    },
    async stop() {
      stopping.abort();
      await controllers.stopped;
      await Promise.all([client.close(), controllerClient.close(), raw.close()]);
      await server.stop();
    },
  };
}
