/**
 * Every reason that the hub gives: in a condition, in an event and as a metric's label, the same word (design.md 12).
 * The order within a group is the order of importance: the first one that applies is a condition's reason.
 */
export const reasons = {
  // Of the object itself.
  invalidSpec: 'InvalidSpec',
  finalizerFailed: 'FinalizerWriteFailed',
  upcomingInvalid: 'UpcomingKernelInvalid',
  regexpNeverMatches: 'RegexpNeverMatches',
  paused: 'Paused',
  revisionConflict: 'RevisionConflict',
  revisionPending: 'RevisionPending',
  revisionFailed: 'RevisionWriteFailed',

  // Why the hub does not touch or cannot write a work.
  foreignWork: 'ForeignWork',
  workFailed: 'WorkWriteFailed',
  lookFailed: 'LookFailed',
  terminating: 'WorkTerminating',
  orphaning: 'Orphaning',
  orphanHeld: 'OrphanHeld',
  orphanForced: 'OrphanForced',
  revisionLost: 'RevisionLost',

  // What a cluster waits for.
  notItsTurn: 'WaitsForTurn',
  noKernelClaim: 'NoKernelClaim',
  noKernels: 'NoKernels',
  claimIncomplete: 'KernelClaimIncomplete',
  kernelsIgnored: 'KernelsIgnored',
  kernelsDeferred: 'KernelsDeferred',
  noMapping: 'NoKernelMapping',
  mappingError: 'KernelMappingError',
  imageMissing: 'ImageMissing',
  imageUnknown: 'ImageUnknown',
  imageChecking: 'ImageChecking',

  // What a cluster is judged to be (contract 5).
  succeeded: 'Succeeded',
  nothingToDo: 'NothingToDo',
  nothingReported: 'NothingReported',
  notApplied: 'NotApplied',
  applyFailed: 'ApplyFailed',
  notReported: 'NotReported',
  reportInvalid: 'ReportInvalid',
  loading: 'Loading',
  failing: 'Failing',
  soaking: 'Soaking',
  loadFailed: 'LoadFailed',
  deadlineExceeded: 'ProgressDeadlineExceeded',
  unreachable: 'ClusterUnreachable',
  waiting: 'Waiting',

  // Of conditions.
  ready: 'AllClustersReady',
  noClusters: 'NoClusterSelected',
  imagesVerified: 'AllImagesVerified',
  imagesNotChecked: 'ImagesNotChecked',
  complete: 'Complete',
  progressing: 'RollingOut',
  stopped: 'RolloutStopped',
  clustersFailed: 'ClustersFailed',
  healthy: 'NoProblems',
} as const;

/** A thing that is wrong or waited for, said to a person. The cluster's name is added where it is shown. */
export interface Problem {
  reason: string;
  message: string;
}
