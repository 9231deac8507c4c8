import type { Module } from '@open-cluster-management/api-types';
import { contentHash, sha256Hex } from '../../shared/core/hash.ts';
import { normalised } from '../../shared/kernel/version.ts';
import { annotations, labels } from '../../shared/kube/names.ts';
import type { DaemonSet } from '../../shared/kube/object.ts';
import { ownerOf, ownership } from '../../shared/kube/ownership.ts';
import { type Loader, loaderTemplate } from './loader-pod.ts';
import { formatPin } from './pin.ts';

/** Characters of a Module's name and namespace together: the longest node label that we make of them has 63 (checklist 125). */
export const identityCharsMax = 41;

/**
 * The name of the DaemonSet for one kernel of a Module. The true kernel is hashed, not its normalised form: two kernels
 * that look alike in a label are two DaemonSets. A Module without `version` has none in the hash.
 */
export function loaderName(module: { name: string }, kernel: string, version?: string): string {
  return `${module.name}-${contentHash([module.name, kernel, version ?? '']).slice(0, 8)}`;
}

/** The name of the one-shot pod that unloads a Module from a node. */
export function unloadName(module: { namespace: string; name: string }, node: string): string {
  return `${module.name}-unload-${sha256Hex(`${module.namespace}/${module.name}/${node}`, 8)}`;
}

/** The loader DaemonSet of one kernel. Kubernetes replaces none of its pods by itself: that is `replacement.ts`' to decide. */
export function loaderDaemonSet(loader: Loader): DaemonSet {
  const { module, mapping, pin } = loader;
  const kernel = normalised(mapping.kernelVersion);
  const identity = { [labels.moduleName]: module.metadata.name, [labels.kernelVersion]: kernel };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: {
      name: loaderName(module.metadata, mapping.kernelVersion),
      namespace: module.metadata.namespace as string,
      labels: identity,
      // Of the DaemonSet, not of its pods: to note it reloads nobody. Empty: whoever wrote it knew pins, and had none.
      annotations: { [annotations.pinned]: pin ? formatPin(pin) : '' },
    },
    spec: {
      selector: { matchLabels: identity },
      updateStrategy: { type: 'OnDelete' },
      template: loaderTemplate(loader),
    },
  };
}

/** By its owner, or, where it has none, by our label (contract 1). */
export function isOurDaemonSet(daemonSet: DaemonSet, module: Module | undefined): boolean {
  if (module === undefined) return false;
  return ownership(daemonSet, ownerOf(module), { [labels.moduleName]: module.metadata.name }) !== 'foreign';
}
