import type { KubeObject, Resource } from '../../../shared/kube/object.ts';
import {
  configMaps,
  controllerRevisions,
  daemonSets,
  events,
  jobs,
  leases,
  namespaces,
  nodes,
  pods,
  resource,
  secrets,
} from '../../../shared/kube/resources.ts';
import type { Definition } from '../api-server/definitions.ts';

export type AnyResource = Resource<KubeObject>;

/** The built-in kinds that own, are owned, or stand in namespaces here. Events are neither collected nor owners. */
export const builtInResources: readonly AnyResource[] = [
  nodes,
  namespaces,
  pods,
  secrets,
  configMaps,
  resource('', 'v1', 'ServiceAccount', 'serviceaccounts', true),
  resource('', 'v1', 'Service', 'services', true),
  daemonSets,
  controllerRevisions,
  jobs,
  leases,
  resource('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', true),
];

export const namespacedBuiltIns: readonly AnyResource[] = [...builtInResources, events].filter(
  (kind) => kind.namespaced,
);

interface DefinitionSpec {
  group: string;
  scope: string;
  names: { kind: string; plural: string };
  versions: { name: string; served: boolean; storage: boolean }[];
}

/** The resource that a CustomResourceDefinition serves, in the version that it is stored in. */
export function definedResource(definition: Definition): AnyResource | undefined {
  const { group, scope, names, versions } = definition.spec as DefinitionSpec;
  const version = versions.find(({ storage, served }) => storage && served) ?? versions.find(({ served }) => served);
  return version && resource(group, version.name, names.kind, names.plural, scope === 'Namespaced');
}
