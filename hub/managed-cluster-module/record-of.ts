import type { ManifestWork } from '@open-cluster-management/api-types';
import { shortened } from '../../shared/core/conditions.ts';
import { errorMessage } from '../../shared/core/errors.ts';
import { frozen } from '../../shared/core/frozen.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import type { Decision } from './decide.ts';
import type { Verdict } from './judge.ts';
import type { ModuleView } from './module-view.ts';
import type { ClusterPicture, Ending } from './picture.ts';
import { type Problem, reasons } from './reasons.ts';
import { type ClusterRecord, type UpcomingRecord, unseen } from './records.ts';
import type { Stage } from './rollout/admit.ts';
import { mappingsIn, viewWork } from './work.ts';

/** How a look at a cluster ended. */
export interface Look {
  view: ModuleView;
  picture: ClusterPicture;
  decision: Decision;
  work: ManifestWork | undefined;
  /** Undefined when there is nothing to judge: no work, or it was written just now. */
  verdict: Verdict | undefined;
  /** The write failed; unless the server refused it, it may have been done all the same. */
  failure: (Problem & { mayHaveArrived: boolean }) | undefined;
}

/** What the module's status is told of a cluster; undefined when it has nothing to do with the module any more. Pure. */
export function recordOf(look: Look): ClusterRecord | undefined {
  const { view, picture, decision, verdict, failure } = look;
  const work = workCounts(look);
  // A cluster that OCM is detaching is out of our hands.
  const selected = picture.selected && picture.cluster?.leaving === false;
  const updated = isUpdated(look);
  if (!selected && work === undefined && failure === undefined) return undefined;
  return {
    cluster: picture.cluster?.name ?? look.work?.metadata.namespace ?? '',
    generation: view.generation,
    selected,
    ...phaseOf(look),
    reporting: reportingOf(verdict),
    updated,
    stage: stageOf(look, updated),
    work,
    upcoming: upcomingOf(look),
    plans: decision.plans,
    notices: noticesOf(look),
    ignored: ignoredOf(picture.cluster),
  };
}

/** Most clusters have nothing to say: one empty list for all of them, for memory and for the pass over all records. */
const none: readonly never[] = Object.freeze([]);
const nothingIgnored: ClusterRecord['ignored'] = frozen({ ignored: [], moreIgnored: 0 });

function noticesOf({ decision, failure }: Look): readonly Problem[] {
  if (failure !== undefined) return [problemOf(failure), ...decision.notices];
  return decision.notices.length === 0 ? none : decision.notices;
}

function ignoredOf(cluster: ClusterView | undefined): ClusterRecord['ignored'] {
  const { ignored, moreIgnored } = cluster?.inventory ?? nothingIgnored;
  return ignored.length === 0 && moreIgnored === 0 ? nothingIgnored : { ignored, moreIgnored };
}

/**
 * Of a cluster that cannot be looked at: it keeps what it has, and holds nobody up. Whoever had got the version and was not
 * well has failed: there is no telling any more when it is late.
 */
export function unreadable(
  { generation }: ModuleView,
  { cluster, selected, before }: Pick<ClusterRecord, 'cluster' | 'selected'> & { before: ClusterRecord | undefined },
  error: unknown,
): ClusterRecord {
  const wasUnwell = before?.generation === generation && (before.stage === 'Moving' || before.stage === 'Failed');
  const message = `cannot be looked at; it keeps what it has: ${shortened(errorMessage(error), 256)}`;
  return {
    ...unseen(cluster, selected),
    generation,
    stage: wasUnwell ? 'Failed' : 'Unreachable',
    reason: reasons.lookFailed,
    message,
    notices: [{ reason: reasons.lookFailed, message }],
  };
}

/** A kernel is prepared once the cluster's work maps it, in whatever version the cluster has. */
export function upcomingOf({
  picture,
  decision,
  failure,
}: Pick<Look, 'picture' | 'decision' | 'failure'>): readonly UpcomingRecord[] {
  if (picture.upcoming.length === 0) return none;
  const { action, plans, revision } = decision;
  const written = action.kind === 'write' && failure === undefined ? action.work : undefined;
  const present = picture.work?.ownership === 'foreign' ? undefined : picture.work?.view;
  const { spec } =
    written === undefined ? (present ?? {}) : viewWork(written, picture.module.spokeNamespace, 'unchecked');
  const mapped = new Set(mappingsIn(spec).map(({ literal }) => literal));
  return picture.upcoming.map((kernel) => {
    if (mapped.has(kernel)) return { kernel, problem: undefined };
    const about = plans.filter((plan) => plan.kernel === kernel);
    const plan = about.find((each) => each.revision === revision?.name) ?? about[0];
    const [waits] = decision.waiting;
    if (plan?.mapping === undefined && plan !== undefined) return { kernel, problem: plan };
    return { kernel, problem: waits ?? { reason: reasons.waiting, message: 'its ManifestWork does not map it yet' } };
  });
}

/** The work holds the present revision: as it was written just now, or as it was before a write that failed. */
function isUpdated({ view: { wanted }, picture: { work }, decision, failure }: Look): boolean {
  const has = failure === undefined ? decision.revision?.name : work?.view.revision;
  return has !== undefined && has === wanted?.revision && work?.ownership !== 'foreign';
}

/**
 * A failure counts until the cluster is well; losing touch with it makes nothing well. Nor does it end the turn of one that
 * got the version and has not succeeded: the driver may have taken the cluster down. But for that, whoever cannot be
 * reached counts as neither, and holds nobody up (contract 5).
 */
function stageOf({ picture, decision, failure }: Look, updated: boolean): Stage {
  const { succeededAt, failedAt } = endingAfter(picture, decision);
  if (updated && failedAt !== undefined) return 'Failed';
  if (updated && succeededAt === undefined) return 'Moving';
  if (picture.cluster?.reachable === false) return 'Unreachable';
  if (updated) return 'Succeeded';
  if (failure === undefined) return decision.startable ? 'Startable' : 'Pending';
  return failure.mayHaveArrived ? 'Moving' : 'Pending';
}

/** What is known of the revision's end is about the revision that the work had. */
function endingAfter({ work, ending }: ClusterPicture, { revision }: Decision): Ending {
  return work?.view.revision === revision?.name ? ending : {};
}

/** The worst first: what is wrong at the state that the cluster has, then why it has not the next one. */
function phaseOf({ picture, decision, verdict, failure }: Look): Pick<ClusterRecord, 'phase' | 'reason' | 'message'> {
  if (failure !== undefined) return { phase: 'Waiting', ...problemOf(failure) };
  const [waits] = decision.waiting;
  if (waits !== undefined && picture.cluster?.reachable === false) return { phase: 'Unreachable', ...waits };
  if (verdict?.phase === 'Failed') return { phase: 'Failed', reason: verdict.reason, message: verdict.message };
  if (waits !== undefined) {
    return {
      phase: 'Waiting',
      reason: waits.reason,
      message: decision.waiting.map(({ message }) => message).join('; '),
    };
  }
  if (verdict !== undefined) return { phase: verdict.phase, reason: verdict.reason, message: verdict.message };
  return { phase: 'Progressing', reason: reasons.notApplied, message: 'the cluster has not applied the work yet' };
}

function problemOf({ reason, message }: Problem): Problem {
  return { reason, message };
}

function reportingOf(verdict: Verdict | undefined): ClusterRecord['reporting'] {
  if (verdict === undefined) return undefined;
  if (verdict.reporting === 'State') return 'Full';
  return verdict.reason === reasons.nothingReported ? 'NothingReported' : 'CountsOnly';
}

/** Counts as upstream's do, from what the agent says of the work; a foreign one is not ours to count. */
function workCounts({ picture, work }: Look): ClusterRecord['work'] {
  if (work === undefined || picture.work === undefined || picture.work.ownership === 'foreign') return undefined;
  const isTrue = (type: string) =>
    work.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  return { applied: isTrue('Applied'), degraded: isTrue('Degraded') };
}
