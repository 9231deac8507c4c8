import type { ContainerStatus } from '../../../shared/kube/object.ts';

export interface PhaseInput {
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
  /** The pod was deleted and all its processes ended. */
  readonly terminal: boolean;
}

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** A pod's phase as kubelet computes it (kubernetes `pkg/kubelet/kubelet_pods.go`, `getPhase`). */
export function podPhase(restartPolicy: string | undefined, input: PhaseInput): Phase {
  const counts = countMain(input.containerStatuses);
  const init = input.initContainerStatuses.map(initState);
  if (init.includes('failed') && restartPolicy === 'Never') return 'Failed';
  const hasRun = counts.running + counts.stopped > 0;
  if ((init.includes('pending') && !hasRun) || counts.waiting > 0) return 'Pending';
  if (counts.running > 0) return 'Running';
  if (counts.stopped === 0) return 'Pending';
  const allSucceeded = counts.stopped === counts.succeeded;
  if (input.terminal) return allSucceeded ? 'Succeeded' : 'Failed';
  if ((restartPolicy ?? 'Always') === 'Always') return 'Running';
  if (allSucceeded) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function countMain(statuses: readonly ContainerStatus[]) {
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const { state, lastState } of statuses) {
    if (state?.running) counts.running += 1;
    else if (state?.terminated) {
      counts.stopped += 1;
      if (state.terminated.exitCode === 0) counts.succeeded += 1;
    } else if (lastState?.terminated) counts.stopped += 1;
    else counts.waiting += 1;
  }
  return counts;
}

function initState({ state, lastState }: ContainerStatus): 'done' | 'failed' | 'pending' {
  if (state?.running) return 'pending';
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended === undefined) return 'pending';
  return ended.exitCode === 0 ? 'done' : 'failed';
}
