import { builds, imageStreams } from '../../../shared/build/openshift-kinds.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { KubeError } from '../../../shared/kube/errors.ts';

const groups: readonly string[] = [builds.group, imageStreams.group];

/**
 * OpenShift serves its kinds by an API server of its own, behind Kubernetes', which answers 503 for them while `isAway`:
 * whether there are any cannot be asked either.
 */
export function unlessAway(isAway: () => boolean): (client: KubeClient) => KubeClient {
  const refuse = (group: string) => {
    if (!isAway() || !groups.includes(group)) return;
    throw new KubeError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
  };
  return (client) => ({
    get: (resource, at) => client.get(resource, at),
    async list(resource, options) {
      refuse(resource.group);
      return client.list(resource, options);
    },
    watch: (resource, options) => client.watch(resource, options),
    create: (resource, object) => client.create(resource, object),
    replace: (resource, object, options) => client.replace(resource, object, options),
    patch: (resource, at, patch, options) => client.patch(resource, at, patch, options),
    delete: (resource, at, options) => client.delete(resource, at, options),
    async served(group, version) {
      refuse(group);
      return client.served(group, version);
    },
    close: () => client.close(),
  });
}
