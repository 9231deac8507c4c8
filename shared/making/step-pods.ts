import { buildNameLabel } from '../build/openshift-kinds.ts';
import { shortened } from '../core/conditions.ts';
import { oneLine } from '../core/one-line.ts';
import type { Pod } from '../kube/object.ts';

/** The index of the cache of pods by the UID of the Job that they are of. */
export const podIndex = 'job';

const messageCharsMax = 300;
/** The ordinary way to the first line of a log. */
const starting: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

export function jobUidsOf({ metadata }: Pod): string[] {
  return (metadata.ownerReferences ?? [])
    .filter(({ kind }) => kind === 'Job' || kind === 'Build')
    .map(({ uid }) => uid);
}

/** The name of a Job, or Build, stands on its pods. */
export function jobNameOf(pod: Pod | undefined): string | undefined {
  const { labels } = pod?.metadata ?? {};
  return labels?.['batch.kubernetes.io/job-name'] ?? labels?.[buildNameLabel];
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
  return shortened(oneLine(`${found.reason}${said}`), messageCharsMax);
}
