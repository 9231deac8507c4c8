import type {
  ClusterStatus,
  ImageStatus,
  ManagedClusterModuleStatus,
  UnmappedKernel,
  UpcomingKernelStatus,
} from '@open-cluster-management/api-types';
import { managedClusterModuleStatusBounds as bounds } from '@open-cluster-management/api-types/schemas';
import { type Condition, shortened, withConditions } from '../../shared/core/conditions.ts';
import { conditionsOf } from './conditions.ts';
import { imageStatuses } from './image-status.ts';
import type { KernelPlan } from './kernel-plan.ts';
import { mappingStatuses } from './mapping-status.ts';
import type { PlanGroup } from './plan-groups.ts';
import { type Problem, reasons } from './reasons.ts';
import type { ClusterRecord } from './records.ts';
import type { Revision } from './revision.ts';
import { rolloutStatus, type WavesStanding, waitsFor } from './rollout/progress.ts';
import { type Tally, tallyOf } from './tally.ts';

/** Everything that the status of a ManagedClusterModule is made of. Immutable. */
export interface StatusPicture {
  generation: number;
  present: ManagedClusterModuleStatus;
  /** Of the object itself: an invalid spec, a version that cannot be recorded, a wish that this version cannot fulfil. */
  problems: readonly Problem[];
  hold: Problem | undefined;
  /** Undefined where nothing goes in waves. */
  standing: WavesStanding | undefined;
  revision: string | undefined;
  /** The present spec as it is recorded; undefined while it is not, or is invalid. */
  current: Revision | undefined;
  imageCheck: 'Required' | 'Skip';
  /** About the Secrets that images are looked up with. */
  warnings: readonly string[];
  /** Of all clusters that are selected or have a work of this module, by name (`Records.snapshot`); outdated ones included. */
  records: readonly ClusterRecord[];
  nowText: string;
}

/** The status as it should be: only what was observed, all of it bounded (design.md, decision 12). Pure. */
export function statusOf(picture: StatusPicture): ManagedClusterModuleStatus {
  const { generation, records, present } = picture;
  const tally = tallyOf(records, generation);
  const waits = waitsFor(picture, tally);
  const images = imageStatuses(tally.groups, picture.revision);
  const conditions = conditionsOf(picture, tally, { images, waits });
  return {
    observedGeneration: generation,
    conditions: withConditions(
      (present.conditions ?? []) as Condition[],
      conditions.map((condition) => ({ ...condition, observedGeneration: generation })),
      picture.nowText,
    ),
    numberDesired: tally.works.desired,
    numberApplied: tally.works.applied,
    numberDegraded: tally.works.degraded,
    rollout: rolloutStatus(picture, tally, waits),
    ...rebuildTrigger(picture, tally),
    ...cut('images', 'moreImages', images, bounds.imagesMax),
    ...kernelMappings(tally.groups, picture.current),
    ...clusterStatuses(tally),
    ...cut('unmappedKernels', 'moreUnmappedKernels', unmappedKernels(tally.groups), bounds.unmappedKernelsMax),
    ...upcomingKernels(tally),
    ...ignoredKernels(tally),
  };
}

/**
 * The value that was acted upon: the present one once every cluster has what its images were found to be since, or at least
 * may have it; the former one before.
 */
function rebuildTrigger(
  { present, current }: StatusPicture,
  { outdated, unread, groups }: Tally,
): Pick<ManagedClusterModuleStatus, 'imageRebuildTriggerGeneration'> {
  const isShippable = ({ image, revision, mapping }: KernelPlan) =>
    image === undefined || (revision === current?.name && mapping !== undefined);
  const isApplied = outdated === 0 && unread.length === 0 && groups.every(({ plans }) => plans.every(isShippable));
  const value =
    current !== undefined && isApplied
      ? current.moduleSpec.imageRebuildTriggerGeneration
      : present.imageRebuildTriggerGeneration;
  return value === undefined ? {} : { imageRebuildTriggerGeneration: value };
}

function kernelMappings(
  groups: readonly PlanGroup[],
  current: Revision | undefined,
): Pick<ManagedClusterModuleStatus, 'kernelMappings'> {
  const statuses = mappingStatuses(groups, current);
  return statuses.length === 0 ? {} : { kernelMappings: statuses };
}

/** Those that need attention come first, and those that only wait for their turn late. */
function clusterStatuses(tally: Tally): Pick<ManagedClusterModuleStatus, 'clusters' | 'moreClusters'> {
  const isQueued = ({ reason }: ClusterRecord) => reason === reasons.notItsTurn;
  const inOrder = [
    ['Failed', tally.failed],
    ['Waiting', tally.waiting.filter((record) => !isQueued(record))],
    ['Progressing', tally.progressing],
    ['Waiting', tally.waiting.filter(isQueued)],
    ['Unreachable', tally.unreachable],
  ] as const;
  const max = bounds.clustersMax;
  const first = inOrder.flatMap(([state, records]) =>
    records.slice(0, max).map((record) => clusterStatus(state, record)),
  );
  const more = tally.selected.length - tally.succeeded.length - max;
  return {
    ...(first.length === 0 ? {} : { clusters: first.slice(0, max) }),
    ...(more > 0 ? { moreClusters: more } : {}),
  };
}

function clusterStatus(
  state: ClusterStatus['state'],
  { cluster, reason, message, reporting }: ClusterRecord,
): ClusterStatus {
  return {
    name: cluster,
    state,
    reason,
    ...(message === '' ? {} : { message: shortened(message, clusterMessageCharsMax) }),
    ...(reporting === undefined ? {} : { reporting }),
  };
}

/** 32 clusters with their messages stay far below what an object may weigh. */
const clusterMessageCharsMax = 512;

function unmappedKernels(groups: readonly PlanGroup[]): UnmappedKernel[] {
  const found = new Map<string, UnmappedKernel>();
  for (const { plans, clusters, exampleCluster } of groups) {
    const kernels = plans
      .filter(({ state, upcoming }) => state === 'Unmapped' && !upcoming)
      .map(({ kernel }) => kernel);
    for (const kernelVersion of new Set(kernels)) {
      const known = found.get(kernelVersion) ?? { kernelVersion, clusters: 0, exampleCluster };
      found.set(kernelVersion, { ...known, clusters: known.clusters + clusters });
    }
  }
  return [...found.values()].sort((a, b) => b.clusters - a.clusters || (a.kernelVersion < b.kernelVersion ? -1 : 1));
}

/** Which clusters would lose the module on a kernel that they do not run yet: how many are prepared, and why others are not. */
function upcomingKernels({ ahead }: Tally): Pick<ManagedClusterModuleStatus, 'upcomingKernels'> {
  const found = new Map<string, UpcomingKernelStatus>();
  for (const { cluster, upcoming } of ahead) {
    for (const { kernel: kernelVersion, problem } of upcoming) {
      const known = found.get(kernelVersion) ?? { kernelVersion, clusters: 0, prepared: 0 };
      found.set(kernelVersion, known);
      known.clusters += 1;
      if (problem === undefined) known.prepared += 1;
      else if (known.exampleCluster === undefined) {
        known.exampleCluster = cluster;
        known.reason = problem.reason;
        known.message = shortened(problem.message, clusterMessageCharsMax);
      }
    }
  }
  const all = [...found.values()].sort((a, b) => (a.kernelVersion < b.kernelVersion ? -1 : 1));
  return all.length === 0 ? {} : { upcomingKernels: all.slice(0, bounds.upcomingKernelsMax) };
}

function ignoredKernels({ ignoring }: Tally): Partial<ManagedClusterModuleStatus> {
  const all = ignoring.flatMap(({ cluster, ignored }) => ignored.ignored.map((entry) => ({ cluster, ...entry })));
  const uncounted = ignoring.reduce((sum, { ignored }) => sum + ignored.moreIgnored, 0);
  const more = uncounted + Math.max(0, all.length - bounds.ignoredKernelsMax);
  return {
    ...(all.length === 0 ? {} : { ignoredKernels: all.slice(0, bounds.ignoredKernelsMax) }),
    ...(more === 0 ? {} : { moreIgnoredKernels: more }),
  };
}

/** A list of at most `max` entries and the count of the rest; both absent when there is nothing to say. */
function cut(
  list: 'images' | 'unmappedKernels',
  more: string,
  all: readonly (ImageStatus | UnmappedKernel)[],
  max: number,
): Partial<ManagedClusterModuleStatus> {
  return {
    ...(all.length === 0 ? {} : { [list]: all.slice(0, max) }),
    ...(all.length > max ? { [more]: all.length - max } : {}),
  };
}
