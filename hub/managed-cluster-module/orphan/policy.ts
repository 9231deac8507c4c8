import type { ManagedClusterModule } from '@open-cluster-management/api-types';
import { annotations, finalizers } from '../../../shared/kube/names.ts';

/** What a ManagedClusterModule says of the Modules that it leaves behind. */
export interface DeletionPolicy {
  policy: 'Delete' | 'Orphan';
  /** Being deleted. */
  leaving: boolean;
  /** Our finalizer is there: the object stays until no work needs it any more. */
  held: boolean;
  /** Its deletion waits for no cluster that cannot confirm now. */
  forced: boolean;
}

export function deletionPolicyOf({ metadata, spec }: ManagedClusterModule): DeletionPolicy {
  return {
    policy: spec?.deletionPolicy === 'Orphan' ? 'Orphan' : 'Delete',
    leaving: metadata.deletionTimestamp !== undefined,
    held: metadata.finalizers?.includes(finalizers.orphan) ?? false,
    forced: metadata.annotations?.[annotations.forceOrphan] === 'true',
  };
}

/** It goes, or loses the finalizer, once its works are as they have to be. */
export function waitsForWorks({ policy, leaving, held }: DeletionPolicy): boolean {
  return held && (leaving || policy === 'Delete');
}

/**
 * Its works have no owner while they must outlive it: a foreground deletion takes what is owned at once, whatever finalizer
 * the owner has, and the Modules with it (decision 26). Without our finalizer nobody else would take them away.
 */
export function worksOutliveIt({ policy, held }: DeletionPolicy): boolean {
  return policy === 'Orphan' && held;
}
