import { configMaps } from '../../shared/kube/resources.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { rawClient } from '../world/api-server/raw-client.ts';
import { serviceAccounts } from '../world/control-plane/service-account.ts';
import { eventually } from '../world/eventually.ts';
import { borrowRealPlane } from '../world/real/real-plane.ts';
import { compactEtcd } from './compaction.ts';
import type { StartedPlane } from './plane.ts';

/** Kubernetes' own programs; the journeys' kinds are there too, as on the embedded plane: so they can have the same ones. */
export async function startRealPlane(): Promise<StartedPlane> {
  const { control, etcdUrl, giveBack } = await borrowRealPlane({ name: 'conformance', role: 'spoke' });
  const { adminKubeconfig: kubeconfig } = control;
  const client = createKubeClient({ kubeconfig: { text: kubeconfig } });
  const raw = rawClient(kubeconfig);
  return {
    client,
    raw,
    kubeconfig,
    compact: () => compactEtcd(etcdUrl),
    /** Pods are refused before. */
    async settled(namespace) {
      await eventually('the namespace is furnished', async () => {
        const account = await client.get(serviceAccounts, { namespace, name: 'default' });
        return account && (await client.get(configMaps, { namespace, name: 'kube-root-ca.crt' })) !== undefined;
      });
    },
    async stop() {
      await Promise.all([client.close(), raw.close()]);
      await giveBack();
    },
  };
}
