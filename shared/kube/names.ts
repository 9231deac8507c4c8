/**
 * Labels, annotations, finalizers and claims: upstream's names (facts/api.md 8), so that either side can be swapped,
 * and our own additions (contract 2, 3, 9).
 */
const prefix = 'kmm.node.kubernetes.io';

export const labels = {
  moduleName: `${prefix}/module.name`,
  kernelVersion: `${prefix}/kernel-version.full`,
  role: `${prefix}/role`,
  managedClusterModule: `${prefix}/managedclustermodule.name`,
  /** On a one-shot unload pod: `Unload`. */
  workerAction: `${prefix}/worker-action`,
  /** On Secrets: what they may be used for, `sign`, `build` or `pull` (contract 8). */
  secretUse: `${prefix}/use`,
  /** On what makes an image: the kernel that it is for, normalised. */
  targetKernel: `${prefix}/target-kernel`,
  /** On what makes an image, its pods included: `build` or `sign`. */
  buildType: 'kmm.openshift.io/build.type',
  /** On it: hash of the image's name, by which all that make one image are found. */
  image: `${prefix}/image`,
} as const;

export const annotations = {
  hubState: `${prefix}/hub-state`,
  /** On loader pods and their template: the load hash (contract 9). */
  loadHash: `${prefix}/load-hash`,
  /** On loader pods and their template: content of the softdep file, read through the downward API. */
  modulesOrder: `${prefix}/modules-order`,
  /** On a loader pod that is to be replaced: node-labels takes the ready label off, then the pod is deleted. */
  replace: `${prefix}/replace`,
  /** On a loader's DaemonSet: what its image was pinned from, and to (JSON). */
  pinned: `${prefix}/pinned`,
  /** On pods of our DaemonSets: hash of the template that made them. */
  templateHash: `${prefix}/template-hash`,
  /** On a one-shot unload pod: UID of the ended loader pod whose work it takes back. */
  unloadsFor: `${prefix}/unloads-for`,
  /** On Nodes: JSON, per Module the boot id under which its running loader container started. */
  loadedBoots: `${prefix}/loaded-boots`,
  /** On objects that we own whole: hash of what we last wrote, and names of our labels and annotations (contract 1). */
  written: `${prefix}/written`,
  /** On a pull Secret, `true`: its logins may travel in plain HTTP or over unverified TLS (`registryTLS.insecure*`, contract 8). */
  allowInsecureRegistry: `${prefix}/allow-insecure-registry`,
  /** On what makes an image: hash of all that determines what comes out. */
  inputsHash: `${prefix}/last-hash`,
  /** On a signing key's Secret: the modules that may be signed with it, by name, separated by spaces or commas; absent: any (contract 8). */
  allowedModules: `${prefix}/allowed-modules`,
  /** On a signing key's Secret: the repositories whose images may be signed with it; `registry/path/*` stands for all below. */
  allowedImages: `${prefix}/allowed-images`,
  /** On a Job that makes an image: the image's name. */
  image: `${prefix}/image`,
  /** On it: which attempt with these inputs it is. */
  attempt: `${prefix}/attempt`,
  /** On it: what its pod said in the end (JSON). */
  result: `${prefix}/result`,
  /** On a suspended Job: the digest of an image that is no good and is being made anew. */
  condemned: `${prefix}/condemned`,
  revision: 'hub.kmm.sigs.x-k8s.io/revision',
  state: 'hub.kmm.sigs.x-k8s.io/state',
  updatedAt: 'hub.kmm.sigs.x-k8s.io/updated-at',
  startedAt: 'hub.kmm.sigs.x-k8s.io/started-at',
  succeededAt: 'hub.kmm.sigs.x-k8s.io/succeeded-at',
  failedAt: 'hub.kmm.sigs.x-k8s.io/failed-at',
  /** On a work that upstream's hub wrote: the Module's spec as it was then, kept until `moduleSpec` is edited (contract 3). */
  adoptedSpec: 'hub.kmm.sigs.x-k8s.io/adopted-spec',
  /**
   * On a ManagedClusterModule with `deletionPolicy: Orphan`, `true`: its deletion waits for no cluster that is not available
   * or that cannot apply its work (decision 26).
   */
  forceOrphan: 'hub.kmm.sigs.x-k8s.io/force-orphan',
} as const;

export const finalizers = {
  module: `${prefix}/module-finalizer`,
  nodeLabeler: `${prefix}/node-labeler`,
  /** On a ManagedClusterModule with `deletionPolicy: Orphan`: until its clusters have confirmed that the Modules stay. */
  orphan: 'hub.kmm.sigs.x-k8s.io/orphan',
} as const;

export const kernelClaim = 'kernel-versions.kmm.node.kubernetes.io';

export function readyLabel(namespace: string, module: string): string {
  return `${prefix}/${namespace}.${module}.ready`;
}

export function devicePluginReadyLabel(namespace: string, module: string): string {
  return `${prefix}/${namespace}.${module}.device-plugin-ready`;
}
