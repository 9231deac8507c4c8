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
import { mappingStatuses } from './mapping-status.ts';
import { type Problem, reasons } from './reasons.ts';
import type { ClusterRecord } from './records.ts';
import type { Revision } from './revision.ts';
import { rolloutStatus, type WavesStanding } from './rollout/progress.ts';

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
  /** Of all clusters that are selected or have a work of this module; outdated ones included. */
  records: readonly ClusterRecord[];
  nowText: string;
}

/** The selected clusters by what they are; each is in exactly one list, outdated records among the waiting. */
export interface Tally {
  selected: ClusterRecord[];
  succeeded: ClusterRecord[];
  progressing: ClusterRecord[];
  waiting: ClusterRecord[];
  failed: ClusterRecord[];
  unreachable: ClusterRecord[];
}

/** The status as it should be: only what was observed, all of it bounded (design.md, decision 12). Pure. */
export function statusOf(picture: StatusPicture): ManagedClusterModuleStatus {
  const { generation, records, present } = picture;
  const tally = tallyOf(records, generation);
  const works = records.flatMap(({ work }) => (work === undefined ? [] : [work]));
  const conditions = conditionsOf(picture, tally);
  return {
    observedGeneration: generation,
    conditions: withConditions(
      (present.conditions ?? []) as Condition[],
      conditions.map((condition) => ({ ...condition, observedGeneration: generation })),
      picture.nowText,
    ),
    numberDesired: works.length,
    numberApplied: works.filter(({ applied }) => applied).length,
    numberDegraded: works.filter(({ degraded }) => degraded).length,
    rollout: rolloutStatus(picture, tally),
    ...rebuildTrigger(picture, tally),
    ...cut('images', 'moreImages', imageStatuses(tally.selected, picture.revision), bounds.imagesMax),
    ...kernelMappings(tally.selected, picture.current),
    ...cut('clusters', 'moreClusters', clusterStatuses(tally), bounds.clustersMax),
    ...cut('unmappedKernels', 'moreUnmappedKernels', unmappedKernels(tally.selected), bounds.unmappedKernelsMax),
    ...upcomingKernels(tally.selected),
    ...ignoredKernels(tally.selected),
  };
}

/**
 * The value that was acted upon: the present one once every cluster has what its images were found to be since, or at least
 * may have it; the former one before.
 */
function rebuildTrigger(
  { generation, present, current }: StatusPicture,
  { selected }: Tally,
): Pick<ManagedClusterModuleStatus, 'imageRebuildTriggerGeneration'> {
  const isApplied = selected.every(
    (record) =>
      record.generation === generation &&
      record.plans.every(({ image, revision, mapping }) =>
        image === undefined ? true : revision === current?.name && mapping !== undefined,
      ),
  );
  const value =
    current !== undefined && isApplied
      ? current.moduleSpec.imageRebuildTriggerGeneration
      : present.imageRebuildTriggerGeneration;
  return value === undefined ? {} : { imageRebuildTriggerGeneration: value };
}

function kernelMappings(
  selected: readonly ClusterRecord[],
  current: Revision | undefined,
): Pick<ManagedClusterModuleStatus, 'kernelMappings'> {
  const statuses = mappingStatuses(selected, current);
  return statuses.length === 0 ? {} : { kernelMappings: statuses };
}

export function tallyOf(records: readonly ClusterRecord[], generation: number): Tally {
  const selected = records.filter((record) => record.selected).sort(byCluster);
  const phaseOf = (record: ClusterRecord) =>
    record.generation === generation || record.phase === 'Unreachable' ? record.phase : 'Waiting';
  const those = (phase: ClusterRecord['phase']) => selected.filter((record) => phaseOf(record) === phase);
  return {
    selected,
    succeeded: those('Succeeded'),
    progressing: those('Progressing'),
    waiting: those('Waiting'),
    failed: those('Failed'),
    unreachable: those('Unreachable'),
  };
}

function clusterStatuses(tally: Tally): ClusterStatus[] {
  const entries = (state: ClusterStatus['state'], records: readonly ClusterRecord[]) =>
    records.map(({ cluster, reason, message, reporting }) => ({
      name: cluster,
      state,
      reason,
      ...(message === '' ? {} : { message: shortened(message, clusterMessageCharsMax) }),
      ...(reporting === undefined ? {} : { reporting }),
    }));
  return [
    ...entries('Failed', tally.failed),
    ...entries(
      'Waiting',
      tally.waiting.filter(({ reason }) => reason !== reasons.notItsTurn),
    ),
    ...entries('Progressing', tally.progressing),
    ...entries(
      'Waiting',
      tally.waiting.filter(({ reason }) => reason === reasons.notItsTurn),
    ),
    ...entries('Unreachable', tally.unreachable),
  ];
}

/** 32 clusters with their messages stay far below what an object may weigh. */
const clusterMessageCharsMax = 512;

function unmappedKernels(selected: readonly ClusterRecord[]): UnmappedKernel[] {
  const found = new Map<string, UnmappedKernel>();
  for (const { cluster, plans } of selected) {
    const kernels = plans
      .filter(({ state, upcoming }) => state === 'Unmapped' && !upcoming)
      .map(({ kernel }) => kernel);
    for (const kernelVersion of new Set(kernels)) {
      const known = found.get(kernelVersion) ?? { kernelVersion, clusters: 0, exampleCluster: cluster };
      found.set(kernelVersion, { ...known, clusters: known.clusters + 1 });
    }
  }
  return [...found.values()].sort((a, b) => b.clusters - a.clusters || (a.kernelVersion < b.kernelVersion ? -1 : 1));
}

/** Which clusters would lose the module on a kernel that they do not run yet: how many are prepared, and why others are not. */
function upcomingKernels(selected: readonly ClusterRecord[]): Pick<ManagedClusterModuleStatus, 'upcomingKernels'> {
  const found = new Map<string, UpcomingKernelStatus>();
  for (const { cluster, upcoming } of selected) {
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

function ignoredKernels(selected: readonly ClusterRecord[]): Partial<ManagedClusterModuleStatus> {
  const all = selected.flatMap(({ cluster, ignored }) => ignored.ignored.map((entry) => ({ cluster, ...entry })));
  const uncounted = selected.reduce((sum, { ignored }) => sum + ignored.moreIgnored, 0);
  const more = uncounted + Math.max(0, all.length - bounds.ignoredKernelsMax);
  return {
    ...(all.length === 0 ? {} : { ignoredKernels: all.slice(0, bounds.ignoredKernelsMax) }),
    ...(more === 0 ? {} : { moreIgnoredKernels: more }),
  };
}

/** A list of at most `max` entries and the count of the rest; both absent when there is nothing to say. */
function cut(
  list: 'images' | 'clusters' | 'unmappedKernels',
  more: string,
  all: readonly (ImageStatus | ClusterStatus | UnmappedKernel)[],
  max: number,
): Partial<ManagedClusterModuleStatus> {
  return {
    ...(all.length === 0 ? {} : { [list]: all.slice(0, max) }),
    ...(all.length > max ? { [more]: all.length - max } : {}),
  };
}

function byCluster(a: ClusterRecord, b: ClusterRecord): number {
  return a.cluster < b.cluster ? -1 : 1;
}
