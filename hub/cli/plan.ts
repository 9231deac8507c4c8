import type { ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import type { ClusterView } from '../fleet/cluster.ts';
import { type ModuleView, viewModule } from '../managed-cluster-module/module-view.ts';
import { type Revision, wantedRevision } from '../managed-cluster-module/revision.ts';
import { type ClusterPlan, planCluster } from './plan-cluster.ts';
import type { Side, Sides } from './plan-sides.ts';
import { statedImage } from './stated-images.ts';

export interface PlanInput {
  /** As it is now; undefined: the file makes a new one. */
  present: ManagedClusterModule | undefined;
  /** As it would be, defaults filled in and valid. */
  wanted: ManagedClusterModule;
  clusters: readonly ClusterView[];
  works: readonly ManifestWork[];
  operatorNamespace: string;
}

export interface FleetPlan {
  /** Of the object as it would be. */
  view: ModuleView;
  /** Of the object as it is; undefined for a new one. */
  old: ModuleView | undefined;
  /** Undefined where there is no valid version yet. */
  before: Revision | undefined;
  after: Revision;
  clusters: readonly ClusterPlan[];
}

/** No image is asked for: each counts as there, so that one sees what would be shipped. Never a digest of a real one. */
const there = { state: 'Verified', digest: `sha256:${'0'.repeat(64)}` } as const;

/**
 * What the hub would do with `wanted`, decided by its own `decide` for each cluster, as if every image were there and every
 * wave had come. Throws for a spec that is not valid. Pure.
 */
export function planFleet(input: PlanInput): FleetPlan {
  const { present, wanted, operatorNamespace } = input;
  const view = viewModule(wanted);
  const after = wantedRevision(view);
  if (after === undefined) throw new TypeError(`expected a valid spec of ${view.name}`);
  const old = present && viewModule(present);
  const before = old && wantedRevision(old);
  const sideOf = (of: ModuleView, revision: Revision, imageCheck: ModuleView['imageCheck']): Side => ({
    view: of,
    module: {
      name: of.name,
      spokeNamespace: of.spokeNamespace,
      current: revision,
      hold: undefined,
      images: {
        imageCheck,
        secretNamespace: operatorNamespace,
        // Who stops asking for images ships also those that are not there: then it counts which ones are missing now.
        stateOf: (_, request) => (view.imageCheck === 'Skip' && present && statedImage(present, request)) || there,
      },
    },
  });
  const sides: Sides = {
    after: sideOf(view, after, view.imageCheck),
    before: old && before && sideOf(old, before, old.imageCheck),
    checkedAsBefore: old && old.imageCheck !== view.imageCheck ? sideOf(view, after, old.imageCheck) : undefined,
  };
  const works = new Map(input.works.map((work) => [work.metadata.namespace ?? '', work]));
  const clusters = input.clusters.flatMap((cluster) => planCluster(sides, cluster, works.get(cluster.name)) ?? []);
  return { view, old, before, after, clusters };
}
