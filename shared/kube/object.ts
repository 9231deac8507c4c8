import type {
  V1ContainerStatus,
  V1ControllerRevision,
  V1DaemonSetSpec,
  V1DaemonSetStatus,
  V1JobSpec,
  V1JobStatus,
  V1LeaseSpec,
  V1NetworkPolicySpec,
  V1NodeSpec,
  V1NodeStatus,
  V1PodSpec,
  V1PodStatus,
  V1PodTemplateSpec,
} from '@kubernetes/client-node';

/**
 * Kubernetes objects as they stand in JSON. The generated client's types are used at compile time only: its models cost
 * 90 MB when loaded (design.md, decision 2).
 */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface ObjectRef {
  namespace?: string | undefined;
  name: string;
}

export type Node = KubeObject & { spec?: Wire<V1NodeSpec>; status?: Wire<V1NodeStatus> };
export type Pod = KubeObject & { spec: Wire<V1PodSpec>; status?: Wire<V1PodStatus> };
export type PodTemplate = Wire<V1PodTemplateSpec>;
export type ContainerStatus = Wire<V1ContainerStatus>;
export type DaemonSet = KubeObject & { spec: Wire<V1DaemonSetSpec>; status?: Wire<V1DaemonSetStatus> };
export type Job = KubeObject & { spec: Wire<V1JobSpec>; status?: Wire<V1JobStatus> };
export type ControllerRevision = KubeObject & Pick<Wire<V1ControllerRevision>, 'data' | 'revision'>;
export type NetworkPolicy = KubeObject & { spec?: Wire<V1NetworkPolicySpec> };
export type Lease = KubeObject & { spec?: Wire<V1LeaseSpec> };
export type Namespace = KubeObject & { status?: { phase?: string } };
export type Secret = KubeObject & { type?: string; data?: Record<string, string> };
export type ConfigMap = KubeObject & { data?: Record<string, string> };
/** events.k8s.io/v1 */
export type Event = KubeObject & {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  note: string;
  type: 'Normal' | 'Warning';
  regarding: { apiVersion: string; kind: string; name: string; namespace?: string; uid?: string };
  series?: { count: number; lastObservedTime: string };
};

/** What a path needs to know of a kind. `T` is the type of its objects. */
export interface Resource<T extends KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: carries `T` for inference. */
  readonly __object?: T;
}

/** `namespace/name`, or `name` for objects without a namespace: the key of caches and queues. */
export function objectKey(object: KubeObject): string {
  return refKey(object.metadata);
}

export function refKey(ref: ObjectRef): string {
  return ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
}

export function parseKey(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function apiVersion(resource: Resource<KubeObject>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** Who has a token (authentication.k8s.io/v1). */
export interface TokenReview extends KubeObject {
  spec: { token: string };
  status?: {
    authenticated?: boolean;
    user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
    error?: string;
  };
}

/** May we do something with a resource (authorization.k8s.io/v1). */
export interface SelfSubjectAccessReview extends KubeObject {
  spec: {
    resourceAttributes: { namespace?: string; verb: string; group: string; resource: string; name?: string };
  };
  status?: { allowed: boolean; denied?: boolean; reason?: string };
}

/** May somebody do something (authorization.k8s.io/v1); of a URL that is no resource's. */
export interface SubjectAccessReview extends KubeObject {
  spec: {
    user: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
    nonResourceAttributes: { path: string; verb: string };
  };
  status?: { allowed: boolean; denied?: boolean; reason?: string };
}
