import { annotations } from '../../shared/kube/names.ts';
import type { Pod } from '../../shared/kube/object.ts';
import { bootKey, loadedBoots } from '../boots.ts';
import { isPodReady, isServing } from '../pods.ts';
import { loadHashOf } from './loader-pod.ts';
import { everStarted } from './outcome.ts';
import type { ModulePicture, Survey, Target } from './survey.ts';

/**
 * What is to be done next so that the nodes whose load hash changed get a new loader pod, one node at a time:
 *
 *     Ready ─ mark ─▶ label off ─▶ plugin gone ─ delete ─▶ (unload) ─▶ new pod Ready ─▶ label on ─▶ plugin back ─▶ next node
 *
 * A node in the middle of it, or one that fails, stops all others and is named.
 */
export interface Replacement {
  /** Loader pods to be marked: node-labels then takes the ready label off. */
  mark: readonly Pod[];
  /** Marked pods that are as they should be after all: the spec was changed back. */
  unmark: readonly Pod[];
  remove: readonly Pod[];
  /** Nodes that still run what an earlier spec said. */
  outdated: readonly Target[];
  /** The nodes that must be in service again before the next one is taken out. */
  inProgress: readonly Target[];
}

export function replacement(picture: ModulePicture, { targets }: Survey): Replacement {
  const wanted = targets.filter((target) => target.wanted);
  const outdated = wanted.filter(isOutdated);
  const marked = outdated.filter((target) => isMarked(target.live));
  const inProgress = wanted.filter((target) => isInProgress(target, picture));
  // Changed back, or closed to new pods meanwhile: what runs there is not ended for what could not come.
  const unmark = wanted.flatMap(({ live, hash, open }) =>
    live !== undefined && isMarked(live) && (loadHashOf(live) === hash || !open) ? [live] : [],
  );
  return {
    mark: inProgress.length > 0 ? [] : nextToMark(outdated, picture),
    unmark,
    remove: removable(marked, wanted),
    outdated,
    inProgress,
  };
}

export function isMarked(pod: Pod | undefined): boolean {
  return pod?.metadata.annotations?.[annotations.replace] !== undefined;
}

/** No one depends on the node's loader any more: the label is off, and the plugin is gone, whose node alone may say so. */
export function isReleased(target: Target): boolean {
  return !target.labelled && target.plugins.length === 0;
}

function isOutdated({ live, hash }: Target): boolean {
  return live !== undefined && loadHashOf(live) !== hash;
}

function isInProgress(target: Target, picture: ModulePicture): boolean {
  const { live, leaving, open, reachable, labelled } = target;
  if (isMarked(live)) return true;
  // Where no new pod may come an ended one can stay for long, remembering what it left.
  if (leaving.length > 0) return open;
  if (live === undefined) return open && reachable;
  if (isOutdated(target) || isRestored(target, picture)) return false;
  // A kernel that dies of the new module is NotReady: its node stops the others, unless it had the label (which stays on
  // a node that is not Ready until it boots again), or never had anything of ours.
  return reachable || (!labelled && !isUntouched(target, picture));
}

/** Nothing of ours has begun on the node that anybody knows of: as on one that joins. */
export function isUntouched({ live, node }: Target, { identity }: Pick<ModulePicture, 'identity'>): boolean {
  return (live === undefined || !everStarted(live)) && !(bootKey(identity) in loadedBoots(node));
}

/** The node serves again as before: loaded, and with its plugin if there is one. */
function isRestored({ live, loaded, plugins, node }: Target, { module }: ModulePicture): boolean {
  if (live === undefined || !loaded || !isPodReady(live)) return false;
  return module?.spec.devicePlugin === undefined || plugins.some((pod) => isServing(pod, node));
}

/** A node out of service already goes first; then by name. A mark that is on its way to the cache stays with its pod. */
function nextToMark(outdated: readonly Target[], { marked }: ModulePicture): Pod[] {
  const possible = outdated.filter(({ reachable, open }) => reachable && open);
  const next =
    possible.find(({ live }) => live?.metadata.uid === marked) ??
    possible.find(({ live }) => live !== undefined && !isPodReady(live)) ??
    possible[0];
  return next?.live === undefined ? [] : [next.live];
}

/** One at a time even if, by an edit or a race, several are marked. */
function removable(marked: readonly Target[], wanted: readonly Target[]): Pod[] {
  if (wanted.some(({ leaving, open }) => open && leaving.length > 0)) return [];
  const first = marked.find((target) => target.reachable && target.open);
  return first?.live !== undefined && isReleased(first) ? [first.live] : [];
}
