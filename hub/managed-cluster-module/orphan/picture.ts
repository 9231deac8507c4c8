import type { OrphanAnswer } from './answer.ts';
import type { DeletionPolicy } from './policy.ts';

/** A work as far as leaving its Module behind is concerned. */
export interface WorkPicture extends OrphanAnswer {
  cluster: string;
  ownership: 'ours' | 'adoptable' | 'foreign';
  /** It has a controller, or the ManagedClusterModule as an owner: the garbage collector may delete it. */
  owned: boolean;
  terminating: boolean;
  /** This program wrote it. */
  written: boolean;
  /** The cluster is there and available. */
  reachable: boolean;
}

/** A ManagedClusterModule and its works. Immutable; everything that `decide` may look at. */
export interface OrphanPicture extends DeletionPolicy {
  works: readonly WorkPicture[];
}
