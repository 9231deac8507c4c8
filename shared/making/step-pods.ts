import { shortened } from '../core/conditions.ts';
import { oneLine } from '../core/one-line.ts';
import type { OwnerReference, Pod } from '../kube/object.ts';

/** The index of a cache of pods by the UID of the Job, or Build, that they are of. */
export const podIndex = 'job';

export const troubleCharsMax = 300;
/** The ordinary way to the first line of a log. */
const starting: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

export function jobUidsOf(pod: Pod): string[] {
  return makersOf(pod).map(({ uid }) => uid);
}

/** Of the Job, or Build, that a pod is of. Labels would not do: a Build's pod has none of ours, and of its name only so much as a label may hold. */
export function jobNamesOf(pod: Pod | undefined): string[] {
  return pod === undefined ? [] : makersOf(pod).map(({ name }) => name);
}

function makersOf({ metadata }: Pod): OwnerReference[] {
  return (metadata.ownerReferences ?? []).filter(({ kind }) => kind === 'Job' || kind === 'Build');
}

/** Why a pod has not started and does not by itself, in Kubernetes' own words; undefined: nothing is known to be in its way. */
export function podTrouble({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const waiting = containers
    .map(({ state }) => state?.waiting)
    .find((each) => each && !starting.has(each.reason ?? ''));
  const found = waiting ?? unscheduled;
  if (found?.reason === undefined) return undefined;
  const said = found.message === undefined ? '' : `: ${found.message}`;
  return shortened(oneLine(`${found.reason}${said}`), troubleCharsMax);
}
