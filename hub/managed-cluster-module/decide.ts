import type { ManifestWork } from '@open-cluster-management/api-types';
import { canonicalJson, lastingHash } from '../../shared/core/hash.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import { type KnownKernels, knownKernels } from '../fleet/kernels.ts';
import { adoptedCharsMax, saysTheSame } from './adoption.ts';
import { reportedKernels } from './feedback.ts';
import type { KernelPlan } from './kernel-plan.ts';
import { keptState, movedState, type NextState } from './next-state.ts';
import type { ClusterPicture, PresentWork } from './picture.ts';
import { type Problem, reasons } from './reasons.ts';
import type { Revision } from './revision.ts';
import { buildWork, mappingsIn } from './work.ts';

/** All that should be, as far as one cluster and one ManagedClusterModule are concerned. */
export interface Decision {
  action: { kind: 'write'; work: ManifestWork } | { kind: 'delete' } | { kind: 'keep' };
  /** What the work is or will be of; undefined without a work of ours. */
  revision: Revision | undefined;
  /** Why the cluster has not all of the current revision; the first is the reason. Empty: it has, or gets it now. */
  waiting: Problem[];
  /** It could be given the current revision, and only its turn has not come. */
  startable: boolean;
  /** To be known, but nothing waits for it. */
  notices: Problem[];
  /** Kernels of the current revision, and of the one that the cluster has meanwhile. */
  plans: KernelPlan[];
}

const nothing: Decision = {
  action: { kind: 'keep' },
  revision: undefined,
  waiting: [],
  startable: false,
  notices: [],
  plans: [],
};

/** A cluster's work moves only from one complete state to the next (design.md, decision 7). Pure. */
export function decide(picture: ClusterPicture): Decision {
  const { cluster, work } = picture;
  if (!picture.selected || cluster === undefined) return deselected(work);
  if (cluster.leaving) return nothing;
  if (work?.ownership === 'foreign') {
    return waitingFor(reasons.foreignWork, 'a ManifestWork of this name belongs to someone else; it is left alone');
  }
  const { hold, spokeNamespace } = picture.module;
  // An invalid spec may not even say where the Module is: then nothing of the work can be read or written.
  if (spokeNamespace === '') return { ...nothing, waiting: hold === undefined ? [] : [hold] };
  if (work?.terminating) {
    return waitingFor(reasons.terminating, 'its ManifestWork is being deleted; a new one follows when it is gone');
  }
  const decision = serve(picture, cluster, work);
  if (cluster.reachable) return decision;
  const message = 'is not available: it keeps what it has, and gets no new state until it is';
  const revision = work === undefined ? undefined : revisionThatItHas(work, picture.module.current);
  return { ...decision, revision, action: { kind: 'keep' }, waiting: [{ reason: reasons.unreachable, message }] };
}

/** A work that nobody wants goes at once, whether the cluster can be reached or not; one whose Module shall stay, when it does. */
function deselected(work: PresentWork | undefined): Decision {
  if (work === undefined || work.ownership === 'foreign' || work.terminating) return nothing;
  if (work.unconfirmed) return nothing;
  return { ...nothing, action: { kind: 'delete' } };
}

function serve(picture: ClusterPicture, cluster: ClusterView, work: PresentWork | undefined): Decision {
  const { current, hold, images } = picture.module;
  const kernels = kernelsOf(cluster, work, picture);
  const has = work === undefined ? undefined : revisionThatItHas(work, current);
  const stay = () =>
    work === undefined || has === undefined ? undefined : keptState({ revision: has, work, kernels, images });
  if (current !== undefined && has === current) return concluded(picture, stay(), current);
  const move: NextState =
    current === undefined || hold !== undefined
      ? { spec: undefined, waiting: hold === undefined ? [] : [hold], notices: kernels.problems, plans: [] }
      : movedState({ revision: current, work, kernels, images });
  const startable = move.spec !== undefined;
  if (startable && picture.mayStart) return { ...concluded(picture, move, current), startable };
  const held = startable ? { ...move, spec: undefined, waiting: [notItsTurn, ...move.waiting] } : move;
  const stayed = stay();
  if (stayed === undefined) return { ...concluded(picture, withLoss(held, work), undefined), startable };
  return { ...concluded(picture, { ...stayed, ...together(held, stayed) }, has), startable };
}

const notItsTurn: Problem = {
  reason: reasons.notItsTurn,
  message: 'waits for its turn in the rollout; everything that it needs is there',
};

/** What stands in the way of the current revision, then what does in the one that the cluster has meanwhile. */
function together(move: NextState, stayed: NextState): Pick<NextState, 'waiting' | 'notices' | 'plans'> {
  return {
    waiting: distinct([...move.waiting, ...stayed.waiting]),
    notices: distinct([...move.notices, ...stayed.notices]),
    plans: [...move.plans, ...stayed.plans],
  };
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [canonicalJson(value), value])).values()];
}

/** A cluster whose version nobody remembers can be moved, but not served. */
function withLoss(state: NextState, work: PresentWork | undefined): NextState {
  if (work?.view.revision === undefined || work.revision !== undefined) return state;
  const message = `its ManifestWork stays as it is: ControllerRevision ${work.view.revision} is gone`;
  return { ...state, notices: [...state.notices, { reason: reasons.revisionLost, message }] };
}

/** A work of upstream's hub that says what the current revision says is at that revision. */
function revisionThatItHas(work: PresentWork, current: Revision | undefined): Revision | undefined {
  if (work.view.revision !== undefined) return work.revision?.name === current?.name ? current : work.revision;
  const { spec } = work.view;
  if (current === undefined || spec === undefined || canonicalJson(spec).length > adoptedCharsMax) return undefined;
  return saysTheSame(spec, current) ? current : undefined;
}

function kernelsOf(
  cluster: ClusterView,
  work: PresentWork | undefined,
  { deferred, upcoming }: ClusterPicture,
): KnownKernels {
  return knownKernels({
    inventory: cluster.inventory,
    reported: reportedKernels(work?.feedback),
    shipped: mappingsIn(work?.view.spec).map(({ literal }) => literal),
    upcoming,
    deferred,
  });
}

function concluded(picture: ClusterPicture, state: NextState | undefined, revision: Revision | undefined): Decision {
  if (state === undefined) return { ...nothing, revision };
  const { spec, waiting, notices, plans, adopted } = state;
  const decision = { revision, waiting, startable: false, notices, plans };
  const { module, work, cluster } = picture;
  if (spec === undefined || revision === undefined || cluster === undefined) {
    return { ...decision, action: { kind: 'keep' } };
  }
  // The time of a state stays while the state does: soak and deadlines are computed from it (contract 2).
  const view = work?.view;
  const isSame = view?.revision === revision.name && view.state === lastingHash(spec);
  const updatedAt = (isSame ? view.updatedAt : undefined) ?? picture.nowText;
  // A kernel that is added does not begin the rollout of the cluster anew, nor put its deadline off.
  const [ending, startedAt] = view?.revision === revision.name ? [picture.ending, view.startedAt] : [{}];
  const { name, spokeNamespace } = module;
  const intent = {
    module: name,
    spokeNamespace,
    cluster: cluster.name,
    revision: revision.name,
    spec,
    updatedAt,
    startedAt,
    ending,
    adopted,
  };
  return { ...decision, action: { kind: 'write', work: buildWork(intent) } };
}

function waitingFor(reason: string, message: string): Decision {
  return { ...nothing, waiting: [{ reason, message }] };
}
