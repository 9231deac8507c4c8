import type { KubeClient } from '../../shared/kube/client.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { namespaces } from '../../shared/kube/resources.ts';
import type { RawClient } from '../world/api-server/raw-client.ts';
import { type PlaneChoice, planeChoice } from '../world/plane-choice.ts';
import { startEmbeddedPlane } from './embedded-plane.ts';
import { startRealPlane } from './real-plane.ts';

/** A control plane that the suite holds to Kubernetes' behaviour: an API server, its controllers, and no kubelet. */
export interface Plane {
  /** An administrator's. */
  readonly client: KubeClient;
  /** Plain HTTP, for what goes over the wire; an administrator's too. */
  readonly raw: RawClient;
  /** The text of a kubeconfig of an administrator, for kubectl. */
  readonly kubeconfig: string;
  /** A namespace that nothing else uses. */
  newNamespace(): Promise<string>;
  /** Forgets the history of writes up to now, as etcd's compaction does. Servers may notice with a delay of seconds. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

/** What a plane of either kind has to bring along. */
export interface StartedPlane extends Omit<Plane, 'newNamespace'> {
  /** Waits until a new namespace is ready for pods. */
  settled?(namespace: string): Promise<void>;
}

const starters: Record<PlaneChoice, () => Promise<StartedPlane>> = {
  embedded: startEmbeddedPlane,
  real: startRealPlane,
};

/** The control plane that `KMM_E2E_PLANE` names. */
export async function startPlane(): Promise<Plane> {
  const started = await starters[planeChoice()]();
  return {
    ...started,
    async newNamespace() {
      const name = await newNamespace(started.client);
      await started.settled?.(name);
      return name;
    },
  };
}

async function newNamespace(client: KubeClient): Promise<string> {
  const made = await client.create<KubeObject>(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: '', generateName: 'conformance-' },
  });
  return made.metadata.name;
}
