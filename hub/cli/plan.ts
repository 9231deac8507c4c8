import type { ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { contentHash } from '../../shared/core/hash.ts';
import type { ClusterView } from '../fleet/cluster.ts';
import { selects } from '../fleet/selection.ts';
import { type Decision, decide } from '../managed-cluster-module/decide.ts';
import type { KernelPlan } from '../managed-cluster-module/kernel-plan.ts';
import { type ModuleView, upcomingFor, viewModule } from '../managed-cluster-module/module-view.ts';
import type { ModulePicture, PresentWork } from '../managed-cluster-module/picture.ts';
import { presentWorkOf } from '../managed-cluster-module/present-work.ts';
import type { Problem } from '../managed-cluster-module/reasons.ts';
import { type Revision, revisionOf } from '../managed-cluster-module/revision.ts';
import { mappingsIn } from '../managed-cluster-module/work.ts';

export interface PlanInput {
  /** As it is now; undefined: the file makes a new one. */
  present: ManagedClusterModule | undefined;
  /** As it would be, defaults filled in and valid. */
  wanted: ManagedClusterModule;
  clusters: readonly ClusterView[];
  works: readonly ManifestWork[];
  operatorNamespace: string;
}

/** What becomes of one cluster. */
export type Change =
  /** Gets its first work. */
  | 'new'
  /** Gets the new version. */
  | 'changed'
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
  why: readonly Problem[];
  plans: readonly KernelPlan[];
  /** Kernels that its work maps now, that run there, and that the new version does not map. */
  lost: readonly string[];
}

export interface FleetPlan {
  view: ModuleView;
  /** Undefined where the clusters' modules do not change. */
  before: Revision | undefined;
  after: Revision;
  clusters: readonly ClusterPlan[];
}

/** No image is asked for: each counts as there, so that one sees what would be shipped. Never a digest of a real one. */
const anyDigest = `sha256:${'0'.repeat(64)}`;

/**
 * What the hub would do with `wanted`, decided by its own `decide` for each cluster, as if every image were there and every
 * wave had come. Throws for a spec that is not valid. Pure.
 */
export function planFleet(input: PlanInput): FleetPlan {
  const view = viewModule(input.wanted);
  if (view.wanted === undefined) throw new TypeError(`expected a valid spec of ${view.name}`);
  const identity = { name: view.name, namespace: view.spokeNamespace };
  const after = revisionOf(view.wanted.revision, view.wanted.moduleSpec, identity);
  const old = input.present === undefined ? undefined : viewModule(input.present);
  const before = old?.wanted && revisionOf(old.wanted.revision, old.wanted.moduleSpec, identity);
  const module: ModulePicture = {
    name: view.name,
    spokeNamespace: view.spokeNamespace,
    current: after,
    hold: undefined,
    images: {
      imageCheck: view.imageCheck,
      secretNamespace: input.operatorNamespace,
      stateOf: () => ({ state: 'Verified', digest: anyDigest }),
    },
  };
  const works = new Map(input.works.map((work) => [work.metadata.namespace ?? '', work]));
  const clusters = input.clusters.flatMap((cluster) => {
    const work = works.get(cluster.name);
    const known = { module, view, before, after };
    const plan = planCluster(known, cluster, work);
    return plan === undefined ? [] : [plan];
  });
  return { view, before, after, clusters };
}

interface Known {
  module: ModulePicture;
  view: ModuleView;
  before: Revision | undefined;
  after: Revision;
}

function planCluster(known: Known, cluster: ClusterView, work: ManifestWork | undefined): ClusterPlan | undefined {
  const selected = selects(known.view.selector, cluster.labels);
  const present =
    work === undefined
      ? undefined
      : presentWorkOf(work, known.view, (name) =>
          [known.after, known.before].find((revision) => revision?.name === name),
        );
  if ((!selected && present === undefined) || cluster.leaving) return undefined;
  // What it would get when it is back is what is asked for.
  const decision = decide({
    module: known.module,
    cluster: { ...cluster, reachable: true },
    selected,
    work: present,
    deferred: [],
    upcoming: upcomingFor(known.view, cluster.labels),
    mayStart: true,
    ending: present?.view.ending ?? {},
    nowText: present?.view.updatedAt ?? '',
  });
  const change = changeOf(decision, present);
  const isLate = !cluster.reachable && (change === 'new' || change === 'changed');
  return {
    cluster: cluster.name,
    labels: cluster.labels,
    change: isLate ? 'unreachable' : change,
    why: decision.waiting,
    plans: decision.plans.filter(({ revision }) => revision === known.after.name),
    lost: selected ? lostKernels(known, present, decision) : [],
  };
}

function changeOf({ action, revision }: Decision, present: PresentWork | undefined): Change {
  if (action.kind === 'delete') return 'removed';
  if (action.kind === 'keep') return 'blocked';
  if (present === undefined) return 'new';
  const { view } = present;
  // What upstream's hub wrote and says the same is adopted as it is.
  const isSame =
    view.revision === undefined
      ? view.spec !== undefined && sameSpec(action.work, view.spec)
      : view.revision === revision?.name;
  return isSame ? 'unchanged' : 'changed';
}

function sameSpec(work: ManifestWork, spec: object): boolean {
  return contentHash(work.spec.workload?.manifests?.[0]?.['spec']) === contentHash(spec);
}

function lostKernels({ after }: Known, present: PresentWork | undefined, { plans }: Decision): string[] {
  const shipped = new Set(mappingsIn(present?.view.spec).map(({ literal }) => literal));
  const unmapped = plans.filter(
    ({ state, revision }) => revision === after.name && (state === 'Unmapped' || state === 'Invalid'),
  );
  return [...new Set(unmapped.map(({ kernel }) => kernel))].filter((kernel) => shipped.has(kernel));
}
