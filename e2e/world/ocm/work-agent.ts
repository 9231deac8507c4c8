import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../../shared/core/clock.ts';
import { errorMessage } from '../../../shared/core/errors.ts';
import { after, done, type Outcome } from '../../../shared/core/outcome.ts';
import { Cache } from '../../../shared/kube/cache.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { startController, watching } from '../../../shared/kube/controller.ts';
import { addFinalizer, removeFinalizer } from '../../../shared/kube/finalizer.ts';
import { objectKey, parseKey, type Resource } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { mergePatch } from '../../../shared/kube/status.ts';
import {
  type AppliedWorkId,
  ensureAppliedWork,
  finishAppliedWork,
  ownerReference,
  recordApplied,
} from './applied-work.ts';
import { applyManifests } from './apply-manifest.ts';
import type { AnyObject } from './kinds.ts';
import { ocmNames } from './names.ts';
import { type Sight, type WorkStatus, withApplied, withAvailability, withDeleting } from './work-status.ts';

export interface WorkAgentOptions {
  hubClient: KubeClient;
  /** What this client may do is what the agent may do: without rights on a kind its works fail to apply. */
  spokeClient: KubeClient;
  clusterName: string;
  hubHash: string;
  agentId?: string;
  runtime: Runtime;
  signal: AbortSignal;
  /** Feedback is read every 1 to 1.9 of this; the real agent's default is 10 s. */
  statusSyncMs: number;
  /** Everything is applied again every 1 to 1.5 of this. */
  resyncMs?: number;
}

const resyncMsDefault = 4 * 60_000;
/** Recorded: a failed work is tried again 11 s later. */
const retryFirstMs = 11_000;
const retryMsMax = 5 * 60_000;
/** How soon the agent looks again whether deleted objects are gone. */
const finishMs = 1000;

/** Delay before a work that failed `failures` times in a row is applied again. */
export function retryDelayMs(failures: number): number {
  return Math.min(retryMsMax, retryFirstMs * 2 ** Math.max(0, failures - 1));
}

/**
 * Open Cluster Management's work agent, as far as a hub can notice: applies the works of one cluster's namespace on the
 * spoke, tells what became of them, and reads feedback. Held to recordings of the real one (`recorded/`). One program
 * instead of five controllers: independent fields of a status may change in another order than there. Not there:
 * SelectivelyOrphan, executors, server-side apply, condition rules, time to live.
 */
export function startWorkAgent(options: WorkAgentOptions): { stopped: Promise<void> } {
  const { hubClient, clusterName, runtime, signal } = options;
  const works = new Cache({ client: hubClient, runtime, resource: manifestWorks, namespace: clusterName });
  const agent = new WorkAgent(options, works);
  const source = watching(works, ({ previous, current }) => {
    const object = current ?? previous;
    return object === undefined ? [] : [objectKey(object)];
  });
  works.start(signal);
  const name = `work-agent-${clusterName}`;
  const controller = { name, sources: [source], reconcile: (key: string) => agent.reconcile(key) };
  const { stopped } = startController(controller, runtime, signal);
  return { stopped: Promise.all([stopped, works.stopped]).then(() => undefined) };
}

interface Plan {
  generation: number | undefined;
  failures: number;
  applyAtMs: number;
}

class WorkAgent {
  #options: WorkAgentOptions;
  #works: Pick<Cache<ManifestWork>, 'get'>;
  #plans = new Map<string, Plan>();

  constructor(options: WorkAgentOptions, works: Pick<Cache<ManifestWork>, 'get'>) {
    this.#options = options;
    this.#works = works;
  }

  /** Before it is written, the work is read from the server: with a cache that lags behind, a status would be written back to an older one. */
  async reconcile(key: string): Promise<Outcome> {
    const { hubClient } = this.#options;
    const cached = this.#works.get(parseKey(key));
    const known = this.#plans.get(key);
    if (cached && known && (await this.#isAtRest(cached, known))) return this.#again(known);
    const work = await hubClient.get(manifestWorks, parseKey(key));
    if (work === undefined) {
      this.#plans.delete(key);
      return done;
    }
    if (work.metadata.deletionTimestamp !== undefined) return this.#finish(work);
    if (await addFinalizer(hubClient, manifestWorks, work, ocmNames.workFinalizer)) return done;
    const plan = this.#plans.get(key) ?? { generation: undefined, failures: 0, applyAtMs: 0 };
    this.#plans.set(key, plan);
    await this.#look(this.#isDue(plan, work.metadata.generation) ? await this.#apply(work, plan) : work);
    return this.#again(plan);
  }

  #again(plan: Plan): Outcome {
    const { runtime, statusSyncMs } = this.#options;
    const untilApplyMs = Math.max(0, plan.applyAtMs - runtime.clock.now());
    return after(Math.min(untilApplyMs, statusSyncMs * (1 + 0.9 * runtime.random())), 'feedback is polled');
  }

  /** Nothing to apply, and the status says already what a look at the objects shows. */
  async #isAtRest(work: ManifestWork, plan: Plan): Promise<boolean> {
    const { deletionTimestamp, generation } = work.metadata;
    if (deletionTimestamp !== undefined || this.#isDue(plan, generation)) return false;
    return mergePatch(work.status ?? {}, withAvailability(this.#moment(work), await this.#sights(work))) === undefined;
  }

  #isDue(plan: Plan, generation: number | undefined): boolean {
    return plan.generation !== generation || this.#options.runtime.clock.now() >= plan.applyAtMs;
  }

  async #apply(work: ManifestWork, plan: Plan): Promise<ManifestWork> {
    const { spokeClient, runtime, resyncMs = resyncMsDefault } = this.#options;
    const applied = await ensureAppliedWork(spokeClient, this.#id(work));
    const orphan = work.spec.deleteOption?.propagationPolicy === 'Orphan';
    const results = await applyManifests(work, { client: spokeClient, owner: ownerReference(applied), orphan });
    const failed = results.some(({ error }) => error !== undefined);
    plan.failures = failed ? plan.failures + 1 : 0;
    plan.generation = work.metadata.generation;
    const delayMs = failed ? retryDelayMs(plan.failures) : resyncMs * (1 + 0.5 * runtime.random());
    plan.applyAtMs = runtime.clock.now() + delayMs;
    const written = await this.#write(work, withApplied(this.#moment(work), results));
    if (!failed) await recordApplied(spokeClient, applied, results);
    return written;
  }

  /** Reads the objects of a work that was applied, and writes what they report. */
  async #look(work: ManifestWork): Promise<ManifestWork> {
    return this.#write(work, withAvailability(this.#moment(work), await this.#sights(work)));
  }

  async #sights(work: ManifestWork): Promise<Sight[]> {
    const sights: Sight[] = [];
    for (const { resourceMeta } of work.status?.resourceStatus?.manifests ?? []) {
      sights.push(await this.#sight(resourceMeta));
    }
    return sights;
  }

  async #sight(meta: {
    group?: string;
    version?: string;
    resource?: string;
    name?: string;
    namespace?: string;
  }): Promise<Sight> {
    const { group = '', version = '', resource: plural, name, namespace } = meta;
    if (!plural || !name) return { kind: 'incomplete' };
    const kind: Resource<AnyObject> = resource(group, version, '', plural, Boolean(namespace));
    try {
      const object = await this.#options.spokeClient.get(kind, { name, namespace });
      return object === undefined ? { kind: 'missing' } : { kind: 'found', object };
    } catch (error) {
      return { kind: 'failed', message: errorMessage(error) };
    }
  }

  async #finish(work: ManifestWork): Promise<Outcome> {
    const { hubClient, spokeClient } = this.#options;
    if (!work.metadata.finalizers?.includes(ocmNames.workFinalizer)) return done;
    const told = await this.#write(work, withDeleting(this.#moment(work)));
    const available = told.status?.conditions?.find(({ type }) => type === 'Available');
    // Later looks would find the objects gone: not worth telling of a work that goes too.
    const isFirst = available !== undefined && available.observedGeneration !== told.metadata.generation;
    const current = isFirst ? await this.#look(told) : told;
    if (!(await finishAppliedWork(spokeClient, this.#id(work))))
      return after(finishMs, 'deleted objects are waited for');
    await removeFinalizer(hubClient, manifestWorks, current, ocmNames.workFinalizer);
    return done;
  }

  async #write(work: ManifestWork, status: WorkStatus): Promise<ManifestWork> {
    const body = mergePatch(work.status ?? {}, status);
    if (body === undefined) return work;
    const patch = { type: 'merge', body: { status: body } } as const;
    return this.#options.hubClient.patch(manifestWorks, work.metadata, patch, { subresource: 'status' });
  }

  #moment(work: ManifestWork) {
    return { work, nowText: rfc3339(this.#options.runtime.clock.now()) };
  }

  #id(work: ManifestWork): AppliedWorkId {
    const { hubHash, clusterName, agentId = clusterName } = this.#options;
    return { hubHash, agentId, workName: work.metadata.name };
  }
}
