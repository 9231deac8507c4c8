import type { ClusterView } from '../fleet/cluster.ts';
import type { Feedback } from './feedback.ts';
import type { ImageQuestions } from './kernel-plan.ts';
import type { Problem } from './reasons.ts';
import type { Revision } from './revision.ts';
import type { WorkView } from './work.ts';

/** A ManagedClusterModule as far as the work of one cluster needs it. */
export interface ModulePicture {
  name: string;
  spokeNamespace: string;
  /** The version that every cluster shall have; undefined while the spec is invalid or the version is not recorded yet. */
  current: Revision | undefined;
  /** Why no cluster gets a new state now; kernels are still added to the version that it has. */
  hold: Problem | undefined;
  images: ImageQuestions;
}

/** How the revision that a work holds ended on its cluster, as its annotations note it (contract 2); RFC 3339. */
export interface Ending {
  succeededAt?: string | undefined;
  failedAt?: string | undefined;
}

/** One cluster as one ManagedClusterModule sees it. Immutable; everything that `decide` may look at. */
export interface ClusterPicture {
  module: ModulePicture;
  cluster: ClusterView | undefined;
  selected: boolean;
  work: PresentWork | undefined;
  /** Kernels that the cluster names and that are put off (contract 7). */
  deferred: readonly string[];
  /** Kernels that its nodes will boot, as the spec says. */
  upcoming: readonly string[];
  /** Its turn has come to get the current revision; always so where nothing goes in waves. */
  mayStart: boolean;
  /** What the work is to note of the revision that it holds. */
  ending: Ending;
  /** Goes into `updated-at` of a state that is new. */
  nowText: string;
}

export interface PresentWork {
  view: WorkView;
  ownership: 'ours' | 'adoptable' | 'foreign';
  terminating: boolean;
  /** A forced deletion left it: it says Orphan, and its agent has not confirmed yet (decision 26). */
  unconfirmed: boolean;
  feedback: Feedback;
  /** The version that the work names; undefined when it names none or the record of it is gone. */
  revision: Revision | undefined;
}
