import type {
  ConfigMap,
  ControllerRevision,
  DaemonSet,
  Event,
  Job,
  KubeObject,
  Lease,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Resource,
  Secret,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  TokenReview,
} from './object.ts';

/** The built-in kinds that the programs touch. Ours and OCM's stand in `@open-cluster-management/api-types`. */
export const nodes = resource<Node>('', 'v1', 'Node', 'nodes', false);
export const pods = resource<Pod>('', 'v1', 'Pod', 'pods', true);
export const namespaces = resource<Namespace>('', 'v1', 'Namespace', 'namespaces', false);
export const secrets = resource<Secret>('', 'v1', 'Secret', 'secrets', true);
export const configMaps = resource<ConfigMap>('', 'v1', 'ConfigMap', 'configmaps', true);
export const daemonSets = resource<DaemonSet>('apps', 'v1', 'DaemonSet', 'daemonsets', true);
export const jobs = resource<Job>('batch', 'v1', 'Job', 'jobs', true);
export const controllerRevisions = resource<ControllerRevision>(
  'apps',
  'v1',
  'ControllerRevision',
  'controllerrevisions',
  true,
);
export const leases = resource<Lease>('coordination.k8s.io', 'v1', 'Lease', 'leases', true);
/** Questions to the API server: created, answered in `status`, never stored. */
export const tokenReviews = resource<TokenReview>('authentication.k8s.io', 'v1', 'TokenReview', 'tokenreviews', false);
export const subjectAccessReviews = resource<SubjectAccessReview>(
  'authorization.k8s.io',
  'v1',
  'SubjectAccessReview',
  'subjectaccessreviews',
  false,
);
export const selfSubjectAccessReviews = resource<SelfSubjectAccessReview>(
  'authorization.k8s.io',
  'v1',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  false,
);
export const events = resource<Event>('events.k8s.io', 'v1', 'Event', 'events', true);
export const networkPolicies = resource<NetworkPolicy>(
  'networking.k8s.io',
  'v1',
  'NetworkPolicy',
  'networkpolicies',
  true,
);

export function resource<T extends KubeObject>(
  group: string,
  version: string,
  kind: string,
  plural: string,
  namespaced: boolean,
): Resource<T> {
  return { group, version, kind, plural, namespaced };
}
