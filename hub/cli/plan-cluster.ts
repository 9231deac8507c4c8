import type { ManifestWork } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import { annotations } from '../../shared/kube/names.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import type { Decision } from '../managed-cluster-module/decide.ts';
import type { KernelPlan } from '../managed-cluster-module/kernel-plan.ts';
import type { PresentWork } from '../managed-cluster-module/picture.ts';
import { presentWorkOf } from '../managed-cluster-module/present-work.ts';
import type { Problem } from '../managed-cluster-module/reasons.ts';
import { mappingsIn } from '../managed-cluster-module/work.ts';
import { shippedByName } from './plan-image-check.ts';
import { type Outcome, outcomeOf, type Sides } from './plan-sides.ts';
import { type UpcomingPlan, upcomingPlans } from './plan-upcoming.ts';

/** What becomes of one cluster. */
export type Change =
  /** Gets its first work. */
  | 'new'
  /** Gets the new version. */
  | 'changed'
  /** Its work is written, because it is to map more kernels of the version that it has. */
  | 'extended'
  /** Its work is deleted: the module is unloaded there. */
  | 'removed'
  | 'unchanged'
  /** Would get something, and cannot: `why` says what is in the way. */
  | 'blocked'
  /** Would get something when it can be reached again. */
  | 'unreachable';

export interface ClusterPlan {
  cluster: string;
  labels: ClusterView['labels'];
  change: Change;
  /** Has its turn in a rollout; who only gets kernels has none. */
  moves: boolean;
  why: readonly Problem[];
  plans: readonly KernelPlan[];
  /** Kernels that its work maps now, that run there, and that the new version does not map. */
  lost: readonly string[];
  /** Of the kernels that spec.upcomingKernels names for it, those that the edit adds or drops. */
  upcoming: readonly UpcomingPlan[];
  /** Kernels that are shipped by name: with imageCheck Skip because it is edited, with Required in spite of it. */
  byName: readonly string[];
}

/** Undefined for a cluster that the module has nothing to do with. Pure. */
export function planCluster(
  sides: Sides,
  cluster: ClusterView,
  work: ManifestWork | undefined,
): ClusterPlan | undefined {
  const { view, module } = sides.after;
  const versions = [module.current, sides.before?.module.current];
  const present = work && presentWorkOf(work, view, (name) => versions.find((each) => each?.name === name));
  const after = outcomeOf(sides.after, cluster, present);
  const { decision, picture } = after;
  if ((!picture.selected && present === undefined) || cluster.leaving) return undefined;
  const before = sides.before && outcomeOf(sides.before, cluster, present);
  const change = changeOf(decision, present, gains(before, after, present));
  const isLate = !cluster.reachable && written.has(change);
  return {
    cluster: cluster.name,
    labels: cluster.labels,
    change: isLate ? 'unreachable' : change,
    moves: moving.has(change),
    why: decision.waiting,
    plans: decision.plans.filter(({ revision }) => revision === module.current?.name),
    lost: picture.selected ? lostKernels(after, present) : [],
    upcoming: picture.selected ? upcomingPlans({ before, after, present, isReachable: cluster.reachable }) : [],
    byName: shippedByName(after, sides.checkedAsBefore && outcomeOf(sides.checkedAsBefore, cluster, present)),
  };
}

const written: ReadonlySet<Change> = new Set(['new', 'changed', 'extended']);
/** A removal waits for no wave, nor does a kernel that is added. */
const moving: ReadonlySet<Change> = new Set(['new', 'changed', 'blocked']);

/** Whether its work maps kernels by the edit, and not anyway. */
function gains(before: Outcome | undefined, after: Outcome, present: PresentWork | undefined): boolean {
  const anyway = new Set(
    [...(before?.mappings ?? []), ...mappingsIn(present?.view.spec)].map(({ literal }) => literal),
  );
  return after.mappings.some(({ literal }) => !anyway.has(literal));
}

function changeOf({ action, revision }: Decision, present: PresentWork | undefined, isExtended: boolean): Change {
  if (action.kind === 'delete') return 'removed';
  if (action.kind === 'keep') return 'blocked';
  if (present === undefined) return 'new';
  const { view } = present;
  // What upstream's hub wrote and says the same is adopted as it is.
  const isSame = view.revision === undefined ? isAdopted(action.work, view.spec) : view.revision === revision?.name;
  if (!isSame) return 'changed';
  return isExtended ? 'extended' : 'unchanged';
}

function isAdopted(work: ManifestWork, spec: object | undefined): boolean {
  if (work.metadata.annotations?.[annotations.adoptedSpec] !== undefined) return true;
  return spec !== undefined && contentHash(work.spec.workload?.manifests?.[0]?.['spec']) === contentHash(spec);
}

function lostKernels({ picture, decision }: Outcome, present: PresentWork | undefined): string[] {
  const shipped = new Set(mappingsIn(present?.view.spec).map(({ literal }) => literal));
  const unmapped = decision.plans.filter(
    ({ state, revision }) => revision === picture.module.current?.name && (state === 'Unmapped' || state === 'Invalid'),
  );
  return [...new Set(unmapped.map(({ kernel }) => kernel))].filter((kernel) => shipped.has(kernel));
}
