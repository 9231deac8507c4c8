/** What to do about a reason, of the hub or of a node, in one sentence. docs/guides/reading-status.md has more of each. */
const adviceOf: Readonly<Record<string, string>> = {
  // Of the object.
  InvalidSpec: 'mend what the message lists; clusters keep what they have meanwhile',
  NotObserved: 'is the hub running? kubectl -n openshift-kmm-hub get pods; its log says what it waits for',
  Terminating: 'the ManagedClusterModule is being deleted: nothing new is written',
  UpcomingKernelInvalid: 'write kernels of upcomingKernels as uname -r prints them',
  ClustersFailed: 'look at the failed clusters: kubectl kmm status MODULE --state Failed',
  Paused: 'kubectl kmm rollout resume MODULE',
  RolloutStopped: 'look at the failed clusters; then kubectl kmm rollout undo MODULE, or mend the spec',
  WaitsForTurn: 'nothing: its wave comes when the clusters before it have succeeded (kubectl kmm status MODULE)',
  RevisionConflict: 'an object of somebody else has the name of the ControllerRevision: remove it',
  RevisionPending: 'nothing: the hub is about to record the version',
  RevisionWriteFailed: 'look at the message; mostly a right of the hub in its own namespace that is missing',
  RevisionLost: 'edit moduleSpec, so that the cluster gets the present version; the one that it has cannot be extended',
  VersionNotReadable:
    'ask for the right to list controllerrevisions in the namespace of the hub: Role kmm-operator-hub-revision-viewer-role',

  // Of the cluster.
  ClusterNotFound: 'check the name: kubectl get managedclusters',
  NotSelected: 'label the ManagedCluster as spec.selector asks, or change the selector',
  ClusterLeaving: 'nothing: OCM is detaching the cluster and takes its works away',
  ClusterUnreachable: 'bring the cluster or its OCM agent back; it gets the present state by itself then',
  NoKernelClaim: 'is the spoke program running there with KMM_MANAGED=1? Its ClusterClaim names the kernels',
  NoKernels: 'look at the ClusterClaim kernel-versions.kmm.node.kubernetes.io there and at who wrote it',
  KernelClaimIncomplete:
    'fewer different kernels there, or fewer other custom claims before these by name (OCM passes on 20)',
  KernelsIgnored: 'look at status.ignoredKernels and at who wrote the claim',
  KernelsDeferred: 'who writes the claim? The rest follows at 64 new kernels an hour',

  // Of kernels and images.
  NoKernelMapping: 'add a kernel mapping that matches, or leave it: nodes with this kernel get no module',
  KernelMappingError: 'mend the mapping that the message names',
  ImageMissing: 'push the image, or let the hub make it (build, sign); it is looked for again by itself',
  ImageUnknown: 'look at the registry and at imageRepoSecret; nothing is removed meanwhile',
  AccessDenied: 'does imageRepoSecret name credentials for this registry, in the namespace of the hub?',
  ImageChecking: 'nothing: the registry is being asked',
  ImageBuilding: 'nothing: the hub builds it',
  ImageSigning: 'nothing: the hub signs it',
  BuildQueued: 'nothing: it waits for other builds to end',
  BuildFailed: 'mend the Dockerfile or its inputs; the message has the last lines of the log',
  SignFailed: 'mend key, certificate or filesToSign, as the message says',
  ImageNotPushed: 'may the push secret push there?',
  DigestMismatch: 'the image does not hold what the spec says: rebuild it',
  DockerfileMissing: 'make the ConfigMap with the key dockerfile in the namespace of the hub',
  ToolkitUnknown: 'name a driver toolkit for this kernel in the ConfigMap of toolkit images',
  SecretRefused: 'label the Secret for its use and let it name this module, as the message says',
  RecipeInvalid: 'mend build or sign, as the message says',
  BuildsNotConfigured: "set images.builder and images.signer in the hub's configuration",
  NotKnown:
    'whether the image exists is not known here: look into the registry, or at status.images once the hub needs it',

  // Of works.
  ForeignWork: 'rename the ManagedClusterModule, or remove the other ManifestWork: seen within 5 minutes',
  Waiting: 'nothing, if this lasts for seconds; else look at the log of the hub',
  NoWork: 'nothing, if this lasts for seconds; else look at the log of the hub',
  LookFailed:
    'look at its ManifestWork and its claims: something there cannot be read; delete the work if it was garbled',
  WorkWriteFailed: 'the message says why; mostly a right of the hub that is missing',
  WorkTerminating: 'a finalizer holds the old work: is the work agent of the cluster running?',
  OtherVersion: 'nothing, if this lasts for seconds; else kubectl kmm status MODULE says what the rollout waits for',
  NotApplied: 'is the work agent of the cluster running? It applies works within seconds',
  ApplyFailed: 'mostly a missing namespace, CRD or right on the cluster; the message is of its API server',
  NotReported: 'the agent reports every 10 to 20 s; if it lasts: is the spoke program running there?',
  NothingReported:
    'is there a KMM operator on the cluster? If no node wants the module, nothing: it counts as well after 5 minutes',
  ReportInvalid: 'does a spoke program of ours run there, and no other one beside it?',
  Loading: 'nothing, unless it lasts: then look at the loader pods there',
  Soaking: 'nothing: it must stay well for minSuccessTime, and for a minute where its spoke reports only numbers',
  ProgressDeadlineExceeded: 'look at the loader pods there: the deadline has passed without success',

  // Of nodes.
  RequiredKeyNotAvailable:
    'Secure Boot: sign the module with a key that the node knows, or enrol the key there (mokutil)',
  InvalidModuleFormat: 'rebuild the image for this kernel: the module was built for another one',
  ModuleNotFound: 'rebuild the image: <dirName>/lib/modules/<kernel> lacks the .ko',
  NoModulesDep: 'run depmod -b <dirName> <kernel> when building the image',
  NoModprobe: 'add kmod to the image',
  NoFirmwareHostPath: "set worker.firmwareHostPath in the spoke's configuration",
  FirmwareFailed: 'the image lacks the folder, or the node cannot be written to',
  ModuleInUse:
    'stop what uses the module (holders and use count are in the message); unloading is tried again by itself',
  OtherVersionLoaded: 'stop what uses the version that is loaded; it is replaced by itself then',
  OwnedByOther: 'another Module has loaded this kernel module there: remove one of the two',
  LoadedByOther: 'somebody loaded the kernel module by hand: unload it, or list it in inTreeModulesToRemove',
  InTreeBuiltIn: 'a module that is built into the kernel cannot be removed: take it off inTreeModulesToRemove',
  InTreeInUse: 'stop what uses the in-tree module',
  PodsNotCreated: "look at the DaemonSet's events there; mostly a service account that may not run privileged pods",
  LoadFailed: 'see the errors of the nodes',
  Failing: 'see the errors of the nodes',
};

const otherwise = 'docs/guides/reading-status.md lists what can be done';

export function adviceFor(reason: string, module: string): string {
  const text = Object.hasOwn(adviceOf, reason) ? adviceOf[reason] : undefined;
  return (text ?? otherwise).replaceAll('MODULE', () => module);
}
