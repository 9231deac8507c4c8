import type { KubeClient } from '../../../shared/kube/client.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';

/**
 * For what asks dozens of things at once, and is gone soon: by a few connections, since each costs both sides more than an
 * answer. Throws `KubeconfigError`.
 */
export function adminOf(kubeconfig: string): KubeClient {
  return createKubeClient({ kubeconfig: { text: kubeconfig }, userAgent: 'world/admin', concurrency: 3 });
}
