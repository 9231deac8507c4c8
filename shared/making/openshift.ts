import { builds, imageStreams, toolkitStream } from '../build/openshift-kinds.ts';
import { sleep } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { nodes } from '../kube/resources.ts';
import type { Runtime } from '../kube/runtime.ts';

/** What of OpenShift there is, and may be used. */
export interface OpenShift {
  builds: boolean;
  /** The ImageStream of driver toolkits, and the nodes that say which of them is for which kernel. */
  toolkits: boolean;
}

export const kubernetesOnly: OpenShift = { builds: false, toolkits: false };

/** OpenShift's kinds are served by a program of their own, which may be away for a moment. */
const askAgainMs = 5_000;

export interface OpenShiftOptions {
  client: KubeClient;
  /** Of the Builds. */
  namespace: string;
  runtime: Pick<Runtime, 'clock' | 'log'>;
  signal: AbortSignal;
  /** Told what keeps the answer away. */
  onFailure?: (message: string) => void;
}

/**
 * Asks what is served, until it is answered; what is not served is not asked for. A right that is missing
 * (`deploy/hub-openshift` is not applied) is told, and all is made as on Kubernetes. Throws when `signal` aborts.
 */
export async function findOpenShift(options: OpenShiftOptions): Promise<OpenShift> {
  const { runtime, signal, onFailure } = options;
  let said = '';
  for (;;) {
    try {
      return await asked(options);
    } catch (error) {
      signal.throwIfAborted();
      const message = errorMessage(error);
      if (message !== said)
        runtime.log.warn({ error: message }, 'it is not known whether this is OpenShift; asking again and again');
      said = message;
      onFailure?.(message);
      await sleep(runtime.clock, askAgainMs, signal);
      signal.throwIfAborted();
    }
  }
}

async function asked({ client, namespace, runtime }: OpenShiftOptions): Promise<OpenShift> {
  const isServed = async ({ group, version, plural }: Resource<KubeObject>) =>
    (await client.served(group, version)).includes(plural);
  const may = async (resource: Resource<KubeObject>, at: { namespace?: string; name?: string } = {}) => {
    const fieldSelector = at.name === undefined ? undefined : `metadata.name=${at.name}`;
    try {
      await client.list(resource, { namespace: at.namespace, fieldSelector, limit: 1, metadataOnly: true });
      return true;
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      runtime.log.warn(
        { resource: resource.plural, error: error.message },
        'OpenShift is not used: a right is missing',
      );
      return false;
    }
  };
  return {
    builds: (await isServed(builds)) && (await may(builds, { namespace })),
    toolkits: (await isServed(imageStreams)) && (await may(imageStreams, toolkitStream)) && (await may(nodes)),
  };
}
