import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import { unreachable } from '../../shared/core/assert.ts';
import { rfc3339 } from '../../shared/core/clock.ts';
import { errorMessage } from '../../shared/core/errors.ts';
import { after, done, type Outcome, soonest } from '../../shared/core/outcome.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { isConflict, isRefusal } from '../../shared/kube/errors.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import { writeOwned } from '../../shared/kube/write.ts';
import { type Decision, decide } from './decide.ts';
import type { Demand } from './demand.ts';
import { type Fleet, type Gathered, gather, isSelected } from './gather.ts';
import { judge, type Verdict } from './judge.ts';
import type { Memory } from './judge-memory.ts';
import { splitClusterKey } from './keys.ts';
import { latenessOf } from './lost.ts';
import type { ModuleView } from './module-view.ts';
import type { Ending } from './picture.ts';
import { reasons } from './reasons.ts';
import { type Look, recordOf, unreadable } from './record-of.ts';
import type { Records } from './records.ts';
import type { UnderWay } from './under-way.ts';
import { unlabelledMs } from './unlabelled-works.ts';

export interface ClusterParts {
  client: KubeClient;
  fleet: Fleet;
  demand: Demand;
  records: Records;
  underWay: UnderWay;
}

/**
 * One cluster of one ManagedClusterModule (`module/cluster`): gather → decide → apply → report.
 *
 * Cost of a look: a few map look-ups, (kernels of the cluster) cached mapping answers; when something differs a hash of the
 * work's metadata and one request, none otherwise. Nothing depends on the number of clusters.
 */
export function clusterReconcile(parts: ClusterParts): (key: string) => Promise<Outcome> {
  const memories = new Map<string, Memory>();
  return async (key) => {
    const seen = sightOf(parts, memories, key);
    if (seen === undefined) return forget(parts, memories, key);
    const { gathered, decision, judgement, late } = seen;
    fixDigests(parts.fleet, gathered, decision);
    parts.demand.set(key, wantedImages(decision));
    const look = { ...gathered, decision, verdict: undefined, failure: undefined };
    const wrote = await applied(parts, key, look);
    // Just written: what the cached work says is about the state before, unless only its end was noted.
    const verdict = wrote && !holdsTheSame(gathered, decision) ? undefined : judgement;
    report(parts, key, { ...look, verdict });
    return soonest([
      late?.recheckMs === undefined ? done : after(late.recheckMs, reasons.unreachable),
      verdict?.recheckMs === undefined ? done : after(verdict.recheckMs, verdict.reason),
      gathered.intakeRetryMs === undefined ? done : after(gathered.intakeRetryMs, reasons.kernelsDeferred),
      isUnlabelled(parts.fleet, key) ? after(unlabelledMs, 'UnlabelledWork') : done,
    ]);
  };
}

/** What is seen of the cluster, and decided. Whatever is thrown meanwhile is this cluster's trouble, and told: all others go on. */
function sightOf(parts: ClusterParts, memories: Map<string, Memory>, key: string) {
  const { fleet, records } = parts;
  try {
    const found = gather(fleet, key);
    if (found === undefined) return undefined;
    const judgement = judged(fleet, found, memories, key);
    const late = latenessOf(fleet.nowMs(), found, memories.get(key));
    const gathered = { ...found, picture: { ...found.picture, ending: endingOf(found, judgement ?? late) } };
    return { gathered, decision: decide(gathered.picture), judgement, late };
  } catch (error) {
    const { module: name, cluster } = splitClusterKey(key);
    const module = fleet.modules.get({ name });
    const view = module && fleet.moduleViews.of(module);
    if (view !== undefined) {
      const selected = mayBeSelected(fleet, view, cluster);
      const before = records.get(name, cluster);
      records.set(name, unreadable(view, { cluster, selected, before }, error));
    }
    throw error;
  }
}

/** As far as it can be told without a look. */
function mayBeSelected({ clusters }: Fleet, view: ModuleView, name: string): boolean {
  const cluster = clusters.get({ name });
  return cluster?.metadata.deletionTimestamp === undefined && (isSelected(view, cluster) ?? true);
}

/** Where revisions go in waves, how they end on a cluster is noted; elsewhere what was noted stays. Pure. */
function endingOf({ view, picture }: Gathered, verdict: Pick<Verdict, 'phase' | 'sinceMs'> | undefined): Ending {
  const noted = picture.ending;
  if (view.waves === undefined || verdict?.sinceMs === undefined) return noted;
  const since = rfc3339(verdict.sinceMs);
  // Who succeeded has: what breaks there later is for the status, and stops no rollout, least of all one back to it.
  if (verdict.phase === 'Failed')
    return noted.succeededAt === undefined ? { failedAt: noted.failedAt ?? since } : noted;
  return { succeededAt: noted.succeededAt ?? since };
}

function holdsTheSame({ picture }: Gathered, { action }: Decision): boolean {
  const state = action.kind === 'write' ? action.work.metadata.annotations?.[annotations.state] : undefined;
  return state !== undefined && state === picture.work?.view.state;
}

function isUnlabelled({ unlabelled, passedMs }: Fleet, key: string): boolean {
  return unlabelled.get(workRef(key), passedMs()) !== undefined;
}

function workRef(key: string): { namespace: string; name: string } {
  const { module, cluster } = splitClusterKey(key);
  return { namespace: cluster, name: module };
}

function forget({ fleet, demand, records }: ClusterParts, memories: Map<string, Memory>, key: string): Outcome {
  const { module, cluster } = splitClusterKey(key);
  fleet.unlabelled.forget(workRef(key));
  memories.delete(key);
  demand.set(key, []);
  records.remove(module, cluster);
  return done;
}

/** Before anything is shipped: who comes later gets the same content. */
function fixDigests({ digests }: Fleet, { picture, view }: Gathered, { plans }: Decision): void {
  const { module, work } = picture;
  for (const { revision: name, kernel, image, digest } of plans) {
    const revision = module.current?.name === name ? module.current : work?.revision;
    if (revision?.name === name && image !== undefined && digest !== undefined) {
      digests.fix(view, revision, { image, kernel, digest });
    }
  }
}

function wantedImages({ plans }: Decision) {
  return plans.flatMap(({ state, revision, request, generation }) =>
    request === undefined || state === 'Verified' ? [] : [{ revision, request, generation }],
  );
}

/**
 * Writes what was decided; returns whether anything was sent. A failure is reported for this cluster and thrown: it is
 * tried again, and blocks no other.
 */
async function applied(parts: ClusterParts, key: string, look: Look): Promise<boolean> {
  try {
    const wrote = await parts.underWay.during(look.view.name, () => apply(parts.client, look));
    // As it was read it is no more; if it has our label now, the watch shows it.
    if (wrote) parts.fleet.unlabelled.forget(workRef(key));
    if (wrote) noteStart(parts, look);
    return wrote;
  } catch (error) {
    if (!isRefusal(error)) noteStart(parts, look);
    const { view, decision } = look;
    const mayHaveArrived = parts.fleet.rollouts.wasSent(view.name, decision.revision?.name, workRef(key).namespace);
    if (!isConflict(error)) {
      const message = `writing its ManifestWork failed: ${errorMessage(error)}`;
      report(parts, key, { ...look, failure: { reason: reasons.workFailed, message, mayHaveArrived } });
    } else {
      // Nobody waits for one whose work somebody else changes all the time.
      if (!parts.records.isPresent(look.view.name, workRef(key).namespace)) {
        report(parts, key, { ...look, failure: { ...meanwhileChanged, mayHaveArrived } });
      }
      if (look.work === undefined) await noteUnlabelled(parts, key);
    }
    throw error;
  }
}

const meanwhileChanged = {
  reason: reasons.waiting,
  message: 'its ManifestWork was changed meanwhile; it is looked at again',
};

/** The work may be on its way, whatever the watch shows: the cluster keeps its place in the rollout. */
function noteStart({ fleet }: ClusterParts, { view, decision: { action, revision } }: Look): void {
  if (view.waves === undefined || revision === undefined || action.kind !== 'write') return;
  fleet.rollouts.sent(view.name, revision.name, action.work.metadata.namespace ?? '');
}

/** There is a work that the watch does not show: because it is slower than we are, or because it has not our label. */
async function noteUnlabelled({ client, fleet }: ClusterParts, key: string): Promise<void> {
  const found = await client.get(manifestWorks, workRef(key));
  if (found?.metadata.labels?.[labels.managedClusterModule] === undefined && found !== undefined) {
    fleet.unlabelled.note(found, fleet.passedMs());
  }
}

async function apply(client: KubeClient, { decision, work, view }: Look): Promise<boolean> {
  const { action } = decision;
  switch (action.kind) {
    case 'write': {
      const written = await writeOwned(client, manifestWorks, {
        present: work,
        wanted: action.work,
        owner: view.worksOwner,
        exact: ({ spec }: ManifestWork) => [spec.workload, spec.deleteOption ?? null],
      });
      return written !== 'unchanged';
    }
    case 'delete':
      if (work !== undefined) await client.delete(manifestWorks, work.metadata, preconditions(work));
      return true;
    case 'keep':
      return false;
    default:
      return unreachable(action);
  }
}

/** Never another object that took the name meanwhile. */
function preconditions({ metadata }: ManifestWork) {
  return metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } };
}

function judged(fleet: Fleet, gathered: Gathered, memories: Map<string, Memory>, key: string): Verdict | undefined {
  const { picture, view, work } = gathered;
  const present = picture.work;
  const isJudged = picture.selected && present?.ownership !== 'foreign' && !present?.terminating;
  if (!isJudged || present?.view.spec === undefined || work === undefined) {
    memories.delete(key);
    return undefined;
  }
  // What was broken before is not unbroken because nobody could look.
  if (!picture.cluster?.reachable) return undefined;
  const { verdict, memory } = judge({
    work,
    spec: present.view.spec,
    feedback: present.feedback,
    minSuccessMs: view.minSuccessMs,
    deadlineMs: view.deadlineMs,
    nowMs: fleet.nowMs(),
    memory: memories.get(key),
    ...(view.waves && { reachableSinceMs: picture.cluster.reachableChangedMs }),
  });
  memories.set(key, memory);
  return verdict;
}

function report({ records }: ClusterParts, key: string, look: Look): void {
  const { module, cluster } = splitClusterKey(key);
  const record = recordOf(look);
  if (record === undefined) records.remove(module, cluster);
  else records.set(module, record);
}
