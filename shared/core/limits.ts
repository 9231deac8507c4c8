/** Bounds that several parts share; each with its unit and reason (style rule 10). Local bounds stand beside their code. */
export const limits = {
  /** Characters of a condition's message (contract 5). */
  conditionMessageCharsMax: 1024,
  /** Kernel mappings of one Module: bounds CEL cost and the size of a work. */
  kernelMappingsMax: 256,
  /** Characters of any string of our API. */
  stringCharsMax: 1024,
  /** Distinct kernels taken from one cluster's claims (contract 7). */
  kernelsPerClusterMax: 64,
  /** Characters of a ClusterClaim's value: the CRD's own limit. */
  claimValueCharsMax: 1024,
  /** Bytes of `Module.status.report` (contract 4): travels through the work agent as one string. */
  reportBytesMax: 4096,
  /** Entries of `Module.status.kernels` (contract 4). */
  statusKernelsMax: 32,
  /** ControllerRevisions kept per ManagedClusterModule beside those in use (contract 2). */
  revisionsKept: 10,
} as const;
