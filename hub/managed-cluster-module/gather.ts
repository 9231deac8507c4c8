import type { ManagedCluster, ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { rfc3339 } from '../../shared/core/clock.ts';
import type { CacheView } from '../../shared/kube/cache.ts';
import type { ControllerRevision, ObjectRef } from '../../shared/kube/object.ts';
import { ownership } from '../../shared/kube/ownership.ts';
import type { ImageMaking } from '../../shared/making/image-making.ts';
import { type ClusterView, viewCluster } from '../fleet/cluster.ts';
import type { Intake, KernelIntake } from '../fleet/kernel-intake.ts';
import { claimedKernels } from '../fleet/kernels.ts';
import { selects } from '../fleet/selection.ts';
import type { Digests } from './digests.ts';
import { reportedKernels } from './feedback.ts';
import type { ImageQuestions } from './kernel-plan.ts';
import { splitClusterKey } from './keys.ts';
import { type ModuleView, type ModuleViews, upcomingFor } from './module-view.ts';
import type { ClusterPicture, PresentWork } from './picture.ts';
import { presentWorkOf } from './present-work.ts';
import { reasons } from './reasons.ts';
import type { Revision, RevisionViews } from './revision.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import type { UnlabelledWorks } from './unlabelled-works.ts';
import { mappingsIn, workLabel } from './work.ts';

/** All that the hub reads. Everything but the two times is kept current by watches. */
export interface Fleet {
  modules: CacheView<ManagedClusterModule>;
  clusters: CacheView<ManagedCluster>;
  /** Labelled ones: those of this program, and upstream's. */
  works: CacheView<ManifestWork>;
  intake: KernelIntake;
  unlabelled: UnlabelledWorks;
  revisions: CacheView<ControllerRevision>;
  /** The operator's: of ControllerRevisions, and of the Secrets that specs name. */
  namespace: string;
  moduleViews: ModuleViews;
  revisionViews: RevisionViews;
  digests: Digests;
  images: Pick<ImageMaking, 'state'>;
  rollouts: Rollouts;
  /** Wall time, as objects have it. */
  nowMs(): number;
  /** For how long something lasts, whoever sets the clock meanwhile. 0 is not long ago. */
  passedMs(): number;
}

/** One cluster's picture with what writing and judging need beside it. */
export interface Gathered {
  view: ModuleView;
  picture: ClusterPicture;
  work: ManifestWork | undefined;
  /** When a kernel that is put off can be taken. */
  intakeRetryMs: number | undefined;
}

/** The picture of `module/cluster`: a few look-ups, whatever the size of the fleet. Undefined: the module is gone or going. */
export function gather(fleet: Fleet, key: string): Gathered | undefined {
  const { module: name, cluster: clusterName } = splitClusterKey(key);
  const module = fleet.modules.get({ name });
  if (module === undefined) return undefined;
  const view = fleet.moduleViews.of(module);
  if (view.leaving) return undefined;
  const cluster = fleet.clusters.get({ name: clusterName });
  const seen = cluster === undefined ? undefined : viewCluster(cluster);
  const work = workAt(fleet, { namespace: clusterName, name });
  const present =
    work === undefined ? undefined : presentWorkOf(work, view, (name) => revisionNamed(fleet, view, name));
  // Those that have a work keep it while it is not known whom the spec means.
  const selected = isSelected(view, cluster) ?? (present !== undefined && present.ownership !== 'foreign');
  if (seen === undefined) fleet.intake.forget(clusterName);
  const { deferred, retryMs } = selected && seen !== undefined ? takeKernels(fleet, seen, present) : nothingNew;
  return {
    view,
    work,
    intakeRetryMs: retryMs,
    picture: {
      module: modulePicture(fleet, view),
      cluster: seen,
      selected,
      work: present,
      deferred,
      upcoming: upcomingFor(view, cluster?.metadata.labels),
      mayStart: mayStart(fleet, view, clusterName),
      ending: present?.view.ending ?? {},
      nowText: rfc3339(fleet.nowMs()),
    },
  };
}

/** Undefined where an invalid spec does not say whom it means. */
export function isSelected(
  { wanted, selector }: Pick<ModuleView, 'wanted' | 'selector'>,
  cluster: ManagedCluster | undefined,
): boolean | undefined {
  if (cluster === undefined) return false;
  return wanted === undefined ? undefined : selects(selector, cluster.metadata.labels);
}

function mayStart({ rollouts }: Fleet, { name, waves, wanted, generation }: ModuleView, cluster: string): boolean {
  if (waves === undefined) return true;
  return wanted !== undefined && rollouts.mayStart(name, { revision: wanted.revision, generation }, cluster);
}

const nothingNew: Intake = { deferred: [], retryMs: undefined };

/** What the work maps is not new, also after a restart. */
function takeKernels(fleet: Fleet, { name, inventory }: ClusterView, present: PresentWork | undefined): Intake {
  const claimed = claimedKernels({ inventory, reported: reportedKernels(present?.feedback) });
  for (const { literal } of mappingsIn(present?.view.spec)) claimed.delete(literal);
  return fleet.intake.take(name, [...claimed], fleet.passedMs());
}

function workAt(fleet: Fleet, ref: ObjectRef): ManifestWork | undefined {
  const labelled = fleet.works.get(ref);
  if (labelled === undefined) return fleet.unlabelled.get(ref, fleet.passedMs());
  fleet.unlabelled.forget(ref);
  return labelled;
}

/** Undefined while the spec is invalid or its version is not recorded yet. */
export function currentRevision(fleet: Fleet, view: ModuleView): Revision | undefined {
  return view.wanted === undefined ? undefined : revisionNamed(fleet, view, view.wanted.revision);
}

function modulePicture(fleet: Fleet, view: ModuleView): ClusterPicture['module'] {
  const current = currentRevision(fleet, view);
  const pending = { reason: reasons.revisionPending, message: 'its version is not recorded yet' };
  return {
    name: view.name,
    spokeNamespace: view.spokeNamespace,
    current,
    hold: view.hold ?? (current === undefined ? pending : undefined),
    images: imageQuestions(fleet, view),
  };
}

function imageQuestions({ digests, images, namespace }: Fleet, view: ModuleView): ImageQuestions {
  return {
    imageCheck: view.imageCheck,
    secretNamespace: namespace,
    stateOf(revision, request) {
      const digest = digests.of(view, revision, request.image, request.recipe?.kernel);
      if (digest !== undefined) return { state: 'Verified', digest };
      return images.state(request, revision.moduleSpec.imageRebuildTriggerGeneration);
    },
  };
}

/** Only what is this module's own counts as its version. */
function revisionNamed(fleet: Fleet, view: ModuleView, name: string): Revision | undefined {
  const object = fleet.revisions.get({ namespace: fleet.namespace, name });
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
  if (ownership(object, view.owner, workLabel(view.name)) === 'foreign') return undefined;
  return fleet.revisionViews.of(object, view);
}
