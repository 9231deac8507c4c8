import type { Module } from '@open-cluster-management/api-types';
import { labels } from '../../shared/kube/names.ts';
import type { NetworkPolicy } from '../../shared/kube/object.ts';
import { devicePluginRole } from '../pods.ts';

type Spec = NonNullable<NetworkPolicy['spec']>;

/** The pods of one Module that a policy is for. */
export type Audience = 'loader' | 'unload' | 'device-plugin' | 'image';

/**
 * Closes the network to pods of one Module. It selects by the labels that only our own pods have, all of them (trap T22):
 * other pods of the namespace, and pods of the Module that are none of these, keep theirs.
 *
 * Loaders talk to nobody: images are pulled by kubelet, and probes and hooks are no network. A device plugin may talk to
 * whom it likes, the API server for one, and nobody may talk to it; what must, such as a scraper, needs a policy that lets it in.
 * So may a pod that makes an image: it talks to registries, and to what a Dockerfile fetches.
 */
export function policyFor(module: Module, audience: Audience): NetworkPolicy {
  const { name, namespace = '' } = module.metadata;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${name}-${audience}`, namespace, labels: { [labels.moduleName]: name } },
    spec: specs[audience](name),
  };
}

const specs: Readonly<Record<Audience, (module: string) => Spec>> = {
  loader: (module) => ({
    podSelector: {
      matchLabels: { [labels.moduleName]: module },
      matchExpressions: [
        { key: labels.kernelVersion, operator: 'Exists' },
        { key: labels.role, operator: 'DoesNotExist' },
        { key: labels.workerAction, operator: 'DoesNotExist' },
      ],
    },
    policyTypes: ['Ingress', 'Egress'],
  }),
  unload: (module) => ({
    podSelector: { matchLabels: { [labels.moduleName]: module, [labels.workerAction]: 'Unload' } },
    policyTypes: ['Ingress', 'Egress'],
  }),
  'device-plugin': (module) => ({
    podSelector: { matchLabels: { [labels.moduleName]: module, [labels.role]: devicePluginRole } },
    policyTypes: ['Ingress'],
  }),
  image: (module) => ({
    podSelector: {
      matchLabels: { [labels.moduleName]: module },
      matchExpressions: [{ key: labels.buildType, operator: 'Exists' }],
    },
    policyTypes: ['Ingress'],
  }),
};
