import type { ManifestWork } from '@open-cluster-management/api-types';
import { ownership } from '../../shared/kube/ownership.ts';
import { readFeedback } from './feedback.ts';
import type { ModuleView } from './module-view.ts';
import { isUnconfirmed } from './orphan/answer.ts';
import type { PresentWork } from './picture.ts';
import type { Revision } from './revision.ts';
import { viewWork, workLabel } from './work.ts';

/** A work as decisions about it read it; `revisionNamed` gives the version that it names, while anybody remembers that. */
export function presentWorkOf(
  work: ManifestWork,
  view: ModuleView,
  revisionNamed: (name: string) => Revision | undefined,
): PresentWork {
  const found = viewWork(work, view.spokeNamespace);
  return {
    view: found,
    ownership: ownership(work, view.owner, workLabel(view.name)),
    terminating: work.metadata.deletionTimestamp !== undefined,
    unconfirmed: isUnconfirmed(work),
    feedback: readFeedback(work),
    revision: found.revision === undefined ? undefined : revisionNamed(found.revision),
  };
}
