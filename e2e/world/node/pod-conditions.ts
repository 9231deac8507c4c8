import { rfc3339 } from '../../../shared/core/clock.ts';
import type { ContainerStatus, Pod } from '../../../shared/kube/object.ts';
import type { Phase } from './phase.ts';
import type { PodPicture } from './pod-picture.ts';

type PodCondition = NonNullable<NonNullable<Pod['status']>['conditions']>[number];
type State = Pick<PodCondition, 'status' | 'reason' | 'message'>;

export interface ConditionsInput {
  readonly phase: Phase;
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
}

/** kubelet's five conditions (kubernetes `pkg/kubelet/status/generate.go`), then those that others wrote. */
export function podConditions(picture: PodPicture, input: ConditionsInput): PodCondition[] {
  const ready = containersReady(input);
  const wanted: Record<string, State> = {
    PodReadyToStartContainers: { status: picture.terminal ? 'False' : 'True' },
    Initialized: initialised(input),
    Ready: ready,
    ContainersReady: ready,
    PodScheduled: { status: 'True' },
  };
  const present = picture.pod.status?.conditions ?? [];
  const ours = Object.entries(wanted).map(([type, state]) => {
    const before = present.find((condition) => condition.type === type);
    const kept = before?.status === state.status ? before.lastTransitionTime : undefined;
    return { type, ...state, lastTransitionTime: kept ?? rfc3339(picture.nowMs) };
  });
  return [...ours, ...present.filter((condition) => wanted[condition.type] === undefined)];
}

function containersReady({ phase, containerStatuses }: ConditionsInput): State {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const unready = containerStatuses.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { status: 'True' };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { status: 'False', reason: 'ContainersNotReady', message };
}

function initialised({ phase, initContainerStatuses, containerStatuses }: ConditionsInput): State {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  const anyStarted = containerStatuses.some(
    ({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated,
  );
  const incomplete = initContainerStatuses.filter((status) => !status.ready).map((status) => status.name);
  if (anyStarted || incomplete.length === 0) return { status: 'True' };
  const message = `containers with incomplete status: [${incomplete.join(' ')}]`;
  return { status: 'False', reason: 'ContainersNotInitialized', message };
}
