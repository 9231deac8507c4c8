import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { pods } from '../../../shared/kube/resources.ts';
import { eventually } from '../eventually.ts';
import { sccAnnotation, startSccAdmission } from './admission.ts';
import { startLevelSync } from './pod-security-levels.ts';
import { installRole } from './privileged-use.ts';

export interface OpenShift {
  /** Before the cluster stops. From then on no pod can be made. */
  stop(): Promise<void>;
}

/**
 * Makes of a real plane what OpenShift is beside Kubernetes, as far as a Module's pods notice: SecurityContextConstraints
 * decide who may run privileged pods, and Pod Security levels follow them. `client` is an administrator's.
 */
export async function startOpenShift(client: KubeClient): Promise<OpenShift> {
  const stopping = new AbortController();
  await installRole(client);
  const admission = await startSccAdmission(client);
  await untilAsked(client);
  const { stopped } = await startLevelSync(client, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await stopped;
      await admission.stop();
    },
  };
}

/** The API server takes a moment to learn of a webhook: until then it lets all pods in. */
async function untilAsked(client: KubeClient): Promise<void> {
  const name = 'is-anybody-asked';
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name },
    // Nobody runs it.
    spec: { schedulerName: 'nobody', containers: [{ name, image: 'example.invalid/nothing:1' }] },
  };
  await eventually('pods are admitted by SecurityContextConstraints', async () => {
    const { metadata } = await client.create(pods, pod);
    await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
    return metadata.annotations?.[sccAnnotation] !== undefined;
  });
}
