import type { ClusterView } from '../fleet/cluster.ts';
import { selects } from '../fleet/selection.ts';
import { type Decision, decide } from '../managed-cluster-module/decide.ts';
import { type ModuleView, upcomingFor } from '../managed-cluster-module/module-view.ts';
import type { ClusterPicture, ModulePicture, PresentWork } from '../managed-cluster-module/picture.ts';
import type { ShippedMapping } from '../managed-cluster-module/shipped-spec.ts';
import { mappingsIn, viewWork } from '../managed-cluster-module/work.ts';

/** A ManagedClusterModule as the hub would decide with it. */
export interface Side {
  view: ModuleView;
  module: ModulePicture;
}

/** What an edit does is the difference between what the hub would do with and without it. */
export interface Sides {
  after: Side;
  /** Undefined where there is no valid object yet. */
  before: Side | undefined;
  /** As `after`, but for imageCheck; undefined where that does not change. */
  checkedAsBefore: Side | undefined;
}

export interface Outcome {
  picture: ClusterPicture;
  decision: Decision;
  /** What the cluster's work would map. */
  mappings: readonly ShippedMapping[];
}

/** What the hub would do with one cluster, were it reachable and its turn come. Pure. */
export function outcomeOf({ view, module }: Side, cluster: ClusterView, work: PresentWork | undefined): Outcome {
  const picture: ClusterPicture = {
    module,
    // What it would get when it is back is what is asked for.
    cluster: { ...cluster, reachable: true },
    selected: selects(view.selector, cluster.labels),
    work,
    deferred: [],
    upcoming: upcomingFor(view, cluster.labels),
    mayStart: true,
    ending: work?.view.ending ?? {},
    nowText: work?.view.updatedAt ?? '',
  };
  const decision = decide(picture);
  return { picture, decision, mappings: mappingsAfter(decision, view.spokeNamespace, work) };
}

function mappingsAfter({ action }: Decision, spokeNamespace: string, work: PresentWork | undefined): ShippedMapping[] {
  if (action.kind === 'delete') return [];
  if (action.kind === 'keep') return mappingsIn(work?.view.spec);
  return mappingsIn(viewWork(action.work, spokeNamespace, 'unchecked').spec);
}
