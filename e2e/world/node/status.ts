import { rfc3339 } from '../../../shared/core/clock.ts';
import type { ContainerStatus, Pod } from '../../../shared/kube/object.ts';
import { podPhase } from './phase.ts';
import { podConditions } from './pod-conditions.ts';
import type { ContainerPicture, Ended, PodPicture } from './pod-picture.ts';

export type PodStatus = NonNullable<Pod['status']>;
type ContainerState = NonNullable<ContainerStatus['state']>;

/** The status that kubelet 1.36 writes for what it sees. Conditions of other writers stay. */
export function podStatus(picture: PodPicture): PodStatus {
  const { pod, refusal } = picture;
  const startTime = pod.status?.startTime ?? rfc3339(picture.startMs);
  const qosClass = pod.status?.qosClass ?? 'BestEffort';
  if (refusal !== undefined) return { phase: 'Failed', ...refusal, startTime, qosClass };

  const hasInit = picture.containers.some((container) => container.kind === 'init');
  const statuses = picture.containers.map((container) => ({ container, status: containerStatus(container, hasInit) }));
  let initContainerStatuses = statuses.filter((each) => each.container.kind === 'init').map((each) => each.status);
  let containerStatuses = statuses.filter((each) => each.container.kind === 'main').map((each) => each.status);
  let phase = podPhase(pod.spec.restartPolicy, {
    initContainerStatuses,
    containerStatuses,
    terminal: picture.terminal,
  });
  if (picture.terminal) {
    const initialised = hasInitialised(initContainerStatuses, containerStatuses);
    if (initialised) containerStatuses = containerStatuses.map(lost);
    initContainerStatuses = startedPrefix(initContainerStatuses);
    if (phase !== 'Succeeded') phase = 'Failed';
  }
  const address = { hostIP: picture.hostIP, podIP: picture.podIP };
  return {
    phase,
    startTime,
    qosClass,
    ...address,
    hostIPs: [{ ip: address.hostIP }],
    podIPs: [{ ip: address.podIP }],
    conditions: podConditions(picture, { phase, initContainerStatuses, containerStatuses }),
    ...(initContainerStatuses.length > 0 && { initContainerStatuses }),
    containerStatuses,
  };
}

export function containerStatus(container: ContainerPicture, podHasInit: boolean): ContainerStatus {
  const { running, last, waiting } = container;
  const { state, lastState } = statesOf(container, podHasInit);
  const containerID = running?.containerID ?? last?.containerID;
  const isInit = container.kind === 'init';
  return {
    name: container.name,
    image: container.image,
    imageID: container.imageID,
    ...(containerID !== undefined && { containerID }),
    restartCount: container.restartCount,
    ready: isInit ? last?.exitCode === 0 && !running && !waiting : running !== undefined && container.ready,
    started: running !== undefined && container.started,
    state,
    lastState,
  };
}

function statesOf(
  container: ContainerPicture,
  podHasInit: boolean,
): { state: ContainerState; lastState: ContainerState } {
  const { running, last, before, waiting } = container;
  if (running) {
    return { state: { running: { startedAt: rfc3339(running.startedMs) } }, lastState: terminated(last ?? before) };
  }
  if (waiting) return { state: { waiting: { ...waiting } }, lastState: terminated(last ?? before) };
  if (last) return { state: terminated(last), lastState: terminated(before) };
  return { state: { waiting: { reason: podHasInit ? 'PodInitializing' : 'ContainerCreating' } }, lastState: {} };
}

function terminated(ended: Ended | undefined): ContainerState {
  if (ended === undefined) return {};
  const { containerID, exitCode, reason, message, startedMs, endedMs } = ended;
  const times = { startedAt: rfc3339(startedMs), finishedAt: rfc3339(endedMs) };
  return { terminated: { exitCode, reason, ...(message && { message }), ...times, containerID } };
}

/** kubelet's evidence that a pod got past its init containers, in the order in which it looks for it. */
function hasInitialised(init: readonly ContainerStatus[], main: readonly ContainerStatus[]): boolean {
  if (init.length === 0) return true;
  if (main.some(({ state, lastState }) => state?.running || state?.terminated || lastState?.terminated)) return true;
  const lastInit = init.at(-1);
  return [lastInit?.state, lastInit?.lastState].some((state) => state?.terminated?.exitCode === 0);
}

/** Init containers up to the last one that ever started count as lost when they did not end; later ones stay waiting. */
function startedPrefix(init: readonly ContainerStatus[]): ContainerStatus[] {
  const lastStarted = init.findLastIndex(({ state, lastState }) => state?.terminated || lastState?.terminated);
  return init.map((status, index) => (index <= lastStarted ? lost(status) : status));
}

/** Of a pod that had initialised, kubelet reports a container that it cannot find as ended, though it never ran. */
function lost(status: ContainerStatus): ContainerStatus {
  if (status.state?.terminated) return status;
  const message = 'The container could not be located when the pod was terminated';
  const state = {
    terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message, startedAt: null, finishedAt: null },
  };
  // The wire holds nulls where the generated types have none.
  return { ...status, state: state as unknown as ContainerState };
}
