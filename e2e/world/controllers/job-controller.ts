import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import { type Job, objectKey, type Pod, parseKey, refKey } from '../../../shared/kube/object.ts';
import { jobs, pods } from '../../../shared/kube/resources.ts';
import { writeStatus } from '../../../shared/kube/status.ts';
import { type Decision, decide, trackingFinalizer } from './job/decide.ts';
import { jobPod } from './job/pod.ts';
import type { RunningWorldController, WorldControllerOptions } from './options.ts';

/**
 * Kubernetes' Job controller for Jobs of one pod at a time: back-off, limit, deadline, status. As there, a finalizer holds
 * each pod until its end is counted.
 */
export function startJobController(options: WorldControllerOptions): RunningWorldController {
  const { client, runtime, signal } = options;
  const jobCache = new Cache({ client, runtime, resource: jobs });
  const podCache = new Cache({ client, runtime, resource: pods, slim: endOnly });
  const counted = new Set<string>();

  /** All is read from the server: a cache that lags behind our own writes would make a pod too many. */
  async function reconcile(key: string): Promise<Outcome> {
    const at = parseKey(key);
    const job = await client.get(jobs, at);
    const { items } = await client.list(pods, { namespace: at.namespace, labelSelector: `job-name=${at.name}` });
    const owned = items.filter((pod) => ownerOf(pod)?.uid === job?.metadata.uid);
    // Their Job is gone: nobody will ask for their end.
    for (const pod of items) if (!owned.includes(pod)) await release(pod);
    if (job === undefined) return done;
    const decision = decide({ job, pods: owned, counted, nowMs: runtime.clock.now() });
    await apply(job, decision);
    return decision.lookAgainMs === undefined ? done : after(decision.lookAgainMs, 'BackOffOrDeadline');
  }

  async function apply(job: Job, { status, create, remove, release: released }: Decision): Promise<void> {
    await writeStatus(client, jobs, job, status);
    for (const pod of released) counted.add(pod.metadata.uid ?? '');
    for (const pod of released) await release(pod);
    for (const pod of remove) await client.delete(pods, pod.metadata);
    if (create) await client.create(pods, jobPod(job));
  }

  /** uid and resourceVersion: a pod that changed in between wakes us again. */
  async function release({ metadata }: Pod): Promise<void> {
    const { uid, resourceVersion, finalizers = [] } = metadata;
    if (!finalizers.includes(trackingFinalizer)) return;
    const kept = finalizers.filter((name) => name !== trackingFinalizer);
    const body = { metadata: { uid, resourceVersion, finalizers: kept } };
    try {
      await client.patch(pods, metadata, { type: 'merge', body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    counted.delete(uid ?? '');
  }

  for (const cache of [jobCache, podCache]) cache.start(signal);
  const sources = [
    watching(jobCache, ({ previous, current }) => [...keyOf(previous), ...keyOf(current)]),
    watching(podCache, ({ previous, current }) => new Set([...jobKeys(previous), ...jobKeys(current)])),
  ];
  return startController({ name: 'world-job', sources, reconcile }, runtime, signal);
}

function keyOf(job: Job | undefined): string[] {
  return job === undefined ? [] : [objectKey(job)];
}

function ownerOf(pod: Pod | undefined) {
  return pod?.metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Job');
}

function jobKeys(pod: Pod | undefined): string[] {
  const owner = ownerOf(pod);
  return owner === undefined ? [] : [refKey({ namespace: pod?.metadata.namespace, name: owner.name })];
}

/** Owners and ends: all that wakes. */
function endOnly({ apiVersion, kind, metadata, status }: Pod): Pod {
  return { apiVersion, kind, metadata, spec: { containers: [] }, ...(status && { status }) };
}
