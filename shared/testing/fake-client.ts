import type { KubeClient } from '../kube/client.ts';

/** A client of the given methods; each other one fails the test that calls it. */
export function fakeClient(methods: Partial<KubeClient>): KubeClient {
  const unexpected = (method: string) => () => Promise.reject(new Error(`unexpected call of ${method}`));
  return {
    get: unexpected('get'),
    list: unexpected('list'),
    watch: () => {
      throw new Error('unexpected call of watch');
    },
    create: unexpected('create'),
    replace: unexpected('replace'),
    patch: unexpected('patch'),
    delete: unexpected('delete'),
    // Kubernetes without anything else.
    served: () => Promise.resolve([]),
    close: () => Promise.resolve(),
    ...methods,
  };
}
