import { assert } from '../../../shared/core/assert.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import type { KubeClientOptions } from '../../../shared/kube/transport.ts';
import type { ApiServer } from '../api-server/server.ts';
import type { Release } from '../control-plane/releases.ts';
import { planeChoice } from '../plane-choice.ts';
import { startEmbeddedPlane } from './embedded-plane.ts';

export type ConnectOptions = Omit<KubeClientOptions, 'kubeconfig'>;

/** One control plane: an API server with our kinds and OCM's, and the controllers of its kind of cluster. */
export interface Plane {
  readonly name: string;
  /** An administrator's. */
  readonly client: KubeClient;
  /** The text of a kubeconfig for `user`, by default an administrator. */
  kubeconfig(user?: string): Promise<string>;
  /** Closed when the plane stops, if not before. */
  connect(user: string, options?: ConnectOptions): Promise<KubeClient>;
  createNamespace(name: string): Promise<void>;
  /** What `user` has asked of the API server so far; a watch counts when it starts. */
  requests(user: string): Promise<readonly Asked[]>;
  /** Takes a right away; what it gives back gives it back. */
  withhold(right: Right): Promise<() => Promise<void>>;
  /** As a Pod Security level does, or an SCC: who makes such a pod in the namespace is refused, until what it gives back is called. */
  refusePrivilegedPods(namespace: string): Promise<() => Promise<void>>;
  /** The API server of an embedded plane: it can be told what to do wrong, which a real one cannot. */
  readonly embedded?: ApiServer;
  stop(): Promise<void>;
}

export interface Asked {
  readonly verb: string;
  /** `pods`, `modules`, `modules/status`; empty for discovery and the like. */
  readonly resource: string;
}

/** That of `user` to do `verbs` with `resource`. */
export interface Right {
  readonly user: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

export interface PlaneOptions extends PlaneTraits {
  readonly name: string;
  readonly runtime: Runtime;
  readonly role: 'hub' | 'spoke';
  /** Nodes join: pods are made and placed. A spoke has them always, and so has every real plane. */
  readonly nodes?: boolean;
  /** How many times faster than real time `runtime.clock` runs. */
  readonly timeFactor?: number;
}

/** What only a real plane can be otherwise than usual. */
export interface PlaneTraits {
  /** Of our kinds: our CustomResourceDefinitions, or those of the Go project. */
  readonly definitions?: 'ours' | 'peers';
  /** Kubernetes' release; the newest without. */
  readonly release?: Release;
}

/** The plane of `planeChoice`. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  if (planeChoice() === 'embedded') {
    const { release, definitions } = options;
    assert(release === undefined && definitions === undefined, 'expected traits for a real plane only');
    return startEmbeddedPlane(options);
  }
  // Loaded when asked for: it takes what builds and runs Kubernetes' own programs.
  const { startRealPlane } = await import('../real/real-plane.ts');
  return startRealPlane(options);
}

/** For faults and what else only a stand-in can do. Throws for a plane that is real. */
export function embeddedServer({ name, embedded }: Plane): ApiServer {
  assert(embedded, `expected ${name} to be an embedded plane: this can only be tested there`);
  return embedded;
}
