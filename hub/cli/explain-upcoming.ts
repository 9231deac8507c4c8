import { selects } from '../fleet/selection.ts';
import { decide } from '../managed-cluster-module/decide.ts';
import { upcomingFor } from '../managed-cluster-module/module-view.ts';
import type { ClusterPicture } from '../managed-cluster-module/picture.ts';
import { presentWorkOf } from '../managed-cluster-module/present-work.ts';
import { reasons } from '../managed-cluster-module/reasons.ts';
import { upcomingOf } from '../managed-cluster-module/record-of.ts';
import { type Revision, wantedRevision } from '../managed-cluster-module/revision.ts';
import type { Sight } from './explain.ts';
import { notNeeded } from './explain-kernels.ts';
import { type Link, notYet, ok } from './links.ts';
import { statedImage } from './stated-images.ts';

/**
 * Kernels that nodes of the cluster will boot: whether its work maps them, else why not, by the hub's own decision over what
 * its status says of images. Undefined where the spec names none for this cluster.
 */
export function upcomingLink(sight: Sight): Link | undefined {
  const { view, seen } = sight;
  const revision = wantedRevision(sight.view);
  if (revision === undefined || seen === undefined || seen.leaving) return undefined;
  if (!selects(view.selector, seen.labels) || upcomingFor(view, seen.labels).length === 0) return undefined;
  if (revision.moduleSpec.moduleLoader === undefined) return ok('upcoming', [notNeeded]);
  const picture = pictureOf(sight, revision);
  const decision = decide(picture);
  // Told is what the work is, not what the hub is about to write.
  const found = upcomingOf({ picture, decision: { ...decision, action: { kind: 'keep' } }, failure: undefined });
  const texts = found.map(({ kernel, problem }) => {
    if (problem === undefined) return `${kernel}: prepared, the work maps it`;
    const image = decision.plans.find((plan) => plan.kernel === kernel)?.image;
    return `${image === undefined ? kernel : `${kernel}: ${image}`}: ${problem.reason}: ${problem.message}`;
  });
  const [first, ...more] = found.flatMap(({ problem }) => (problem === undefined ? [] : [problem.reason]));
  return first === undefined ? ok('upcoming', texts) : notYet('upcoming', first, texts, more);
}

function pictureOf(sight: Sight, current: Revision): ClusterPicture {
  const { module, view, seen, work, entry, operatorNamespace } = sight;
  return {
    module: {
      name: view.name,
      spokeNamespace: view.spokeNamespace,
      current,
      hold: view.hold,
      images: {
        imageCheck: view.imageCheck,
        secretNamespace: operatorNamespace,
        stateOf: (_, request) => statedImage(module, request) ?? unstated,
      },
    },
    cluster: seen,
    selected: true,
    work: work && presentWorkOf(work, view, (name) => (name === current.name ? current : undefined)),
    deferred: [],
    upcoming: upcomingFor(view, seen?.labels),
    mayStart: entry?.reason !== reasons.notItsTurn,
    ending: {},
    nowText: '',
  };
}

/** Of the states those that ship nothing are alike here. */
const unstated = {
  state: 'Failed',
  reason: 'NotKnown',
  message: "is not among the images of the hub's status",
} as const;
