import { type Problem, reasons } from '../reasons.ts';
import type { OrphanPicture, WorkPicture } from './picture.ts';
import { type DeletionPolicy, waitsForWorks } from './policy.ts';

/**
 * What is done with a work now:
 * - *release*: its owner is taken off; *own*: it gets it (back);
 * - *tell*: `deleteOption: Orphan`, and no owner: from then on the agent makes the Module nobody's;
 * - *delete*: the agent has confirmed, or the Module shall go.
 */
export type WorkStep = 'keep' | 'release' | 'own' | 'tell' | 'delete';

/**
 * Pure. `module` is undefined when the ManagedClusterModule is gone.
 *
 * With `Orphan` no work is ever deleted before its agent said Applied of the generation that says Orphan: the agent decides
 * what a Module belongs to while it applies, and a deleted work is applied no more.
 */
export function stepOfWork(module: DeletionPolicy | undefined, work: WorkPicture): WorkStep {
  if (work.ownership === 'foreign' || work.terminating) return 'keep';
  // Left by a forced deletion: it goes when its cluster is back and has confirmed.
  if (module === undefined) return work.written && isTold(work) && isConfirmed(work) ? 'delete' : 'keep';
  const { policy, leaving, held } = module;
  if (policy === 'Orphan') {
    if (!leaving) return held && work.owned ? 'release' : 'keep';
    if (!isTold(work)) return 'tell';
    return isConfirmed(work) ? 'delete' : 'keep';
  }
  // What has an owner is the garbage collector's.
  if (!held || work.ownership === 'ours') return 'keep';
  return leaving ? 'delete' : 'own';
}

function isTold({ told, owned }: WorkPicture): boolean {
  return told && !owned;
}

function isConfirmed({ applied }: WorkPicture): boolean {
  return applied === 'True';
}

export type Outstanding = Problem & { cluster: string };

/** What is done with the ManagedClusterModule itself. */
export type ModuleStep =
  | { kind: 'keep' }
  /** `unconfirmed`: clusters that were not waited for, because it was forced. */
  | { kind: 'letGo'; unconfirmed: readonly Outstanding[] }
  | { kind: 'wait'; held: boolean; outstanding: readonly Outstanding[] };

/** Pure. */
export function stepOfModule(picture: OrphanPicture): ModuleStep {
  const { policy, forced } = picture;
  const works = picture.works.filter(({ ownership }) => ownership !== 'foreign');
  if (!waitsForWorks(picture)) return { kind: 'keep' };
  if (policy === 'Delete') {
    const open = works.filter((work) => stepOfWork(picture, work) !== 'keep');
    return open.length === 0 ? { kind: 'letGo', unconfirmed: [] } : { kind: 'keep' };
  }
  const stuck = works.filter(isStuck);
  const waitedFor = forced ? works.filter((work) => !isStuck(work) || stepOfWork(picture, work) !== 'keep') : works;
  if (waitedFor.length === 0) return { kind: 'letGo', unconfirmed: works.map(outstanding) };
  // Those that hold it up come first: what is named is a few.
  const rest = waitedFor.filter((work) => !isStuck(work));
  const holding = stuck.filter((work) => waitedFor.includes(work));
  return { kind: 'wait', held: holding.length > 0, outstanding: [...holding, ...rest].map(outstanding) };
}

/** Nothing comes of waiting until somebody does something. */
function isStuck({ reachable, applied, told }: WorkPicture): boolean {
  return !reachable || (told && applied === 'False');
}

function outstanding(work: WorkPicture): Outstanding {
  return { cluster: work.cluster, ...reasonOf(work) };
}

function reasonOf({ reachable, terminating, applied, appliedMessage, told }: WorkPicture): Problem {
  if (!reachable) return { reason: reasons.unreachable, message: 'is not available' };
  if (terminating) return { reason: reasons.terminating, message: 'its ManifestWork is being deleted' };
  if (told && applied === 'False') return { reason: reasons.applyFailed, message: appliedMessage };
  return { reason: reasons.notApplied, message: 'has not confirmed yet' };
}
