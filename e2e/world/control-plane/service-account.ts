import { Agent } from 'undici';
import { loadKubeconfig } from '../../../shared/kube/kubeconfig.ts';
import { kubeconfigText } from '../api-server/credentials.ts';
import type { ControlPlane } from './control-plane.ts';

export interface AccountRef {
  namespace: string;
  name: string;
}

/** A token of the TokenRequest API, as kubelet asks for one for a pod. The server grants no less than ten minutes. */
export async function requestToken(
  plane: ControlPlane,
  { namespace, name }: AccountRef,
  expirationSeconds = 3600,
): Promise<string> {
  const { clientCertificate } = loadKubeconfig({ text: plane.adminKubeconfig });
  const agent = new Agent({ connect: { ca: plane.caPem, ...clientCertificate } });
  try {
    const answer = await agent.request({
      origin: plane.url,
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds },
      }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 201) throw new Error(`expected 201 for a token, got ${answer.statusCode}: ${text}`);
    return (JSON.parse(text) as { status: { token: string } }).status.token;
  } finally {
    await agent.close();
  }
}

/** A kubeconfig's text for whoever holds the token. */
export function tokenKubeconfig({ name, url, caPem }: ControlPlane, account: AccountRef, token: string): string {
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  return kubeconfigText({ name, url, caPem, user, credentials: { token } });
}
