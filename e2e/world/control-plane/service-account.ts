import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';

export const serviceAccounts = resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true);

export interface AccountRef {
  namespace: string;
  name: string;
}

export interface TokenWish {
  /** The server grants no less than ten minutes. */
  expirationSeconds: number;
  /** The token ends with this object. */
  boundObjectRef?: { apiVersion: string; kind: string; name: string; uid: string | undefined };
}

type TokenRequest = KubeObject & { spec: TokenWish; status?: { token: string } };

/** A token of the TokenRequest API, as kubelet asks for one for a pod. `client` is an administrator's. */
export async function requestToken(
  client: KubeClient,
  { namespace, name }: AccountRef,
  spec: TokenWish,
): Promise<string> {
  // A subresource that one POSTs to, which the client has no other word for.
  const tokens = resource<TokenRequest>('', 'v1', 'TokenRequest', `serviceaccounts/${name}/token`, true);
  const { status } = await client.create(tokens, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { namespace, name },
    spec,
  });
  return status?.token ?? '';
}
