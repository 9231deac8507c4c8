import { configMaps, resource } from '../../shared/kube/resources.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { rawClient } from '../world/api-server/raw-client.ts';
import { startControlPlane } from '../world/control-plane/control-plane.ts';
import { startEtcd } from '../world/control-plane/etcd.ts';
import { eventually } from '../world/eventually.ts';
import { compactEtcd } from './compaction.ts';
import type { StartedPlane } from './plane.ts';

const serviceAccounts = resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true);

/** Kubernetes' own programs on an etcd of their own. */
export async function startRealPlane(): Promise<StartedPlane> {
  const etcd = await startEtcd();
  const plane = await startControlPlane({ name: 'conformance', etcd, schedulerAndControllers: true });
  const { adminKubeconfig: kubeconfig } = plane;
  const client = createKubeClient({ kubeconfig: { text: kubeconfig } });
  const raw = rawClient(kubeconfig);
  return {
    client,
    raw,
    kubeconfig,
    compact: () => compactEtcd(etcd.url),
    /** Pods are refused before. */
    async settled(namespace) {
      await eventually('the namespace is furnished', async () => {
        const account = await client.get(serviceAccounts, { namespace, name: 'default' });
        return account && (await client.get(configMaps, { namespace, name: 'kube-root-ca.crt' })) !== undefined;
      });
    },
    async stop() {
      await Promise.all([client.close(), raw.close()]);
      await plane.stop();
      await etcd.stop();
    },
  };
}
