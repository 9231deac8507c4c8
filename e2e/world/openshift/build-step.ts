import type { OpenShiftBuild } from '../../../shared/build/openshift-build.ts';
import { rfc3339 } from '../../../shared/core/clock.ts';
import type { Pod } from '../../../shared/kube/object.ts';

export type BuildStatus = NonNullable<OpenShiftBuild['status']>;

/** What is to be done about a Build, one thing after the other. */
export interface BuildStep {
  status: BuildStatus;
  createPod?: true;
  removePod?: true;
  /** The rest follows then. */
  againMs?: number;
}

/** Between the pod's word that the build failed, and the end of its log and the time, which the controller adds. */
export const failedInTwoMs = 2_000;

/**
 * OpenShift's build controller: New → Pending → Running → Complete or Failed; Cancelled when somebody asks for it, Error when
 * something came in between. `pod`: of the name that the Build's pod has, whoever owns it.
 */
export function nextStep(
  build: OpenShiftBuild & { status?: { cancelled?: boolean } },
  pod: Pod | undefined,
  nowMs: number,
): BuildStep {
  const status = build.status ?? {};
  const ended = (phase: NonNullable<BuildStatus['phase']>, rest: Partial<BuildStatus>): BuildStep => ({
    status: { ...status, phase, completionTimestamp: rfc3339(nowMs), ...rest },
  });
  if (isOver(status)) return { status };
  if (build.status?.cancelled) {
    const step = ended('Cancelled', { reason: 'CancelledBuild', message: 'The build was cancelled by the user.' });
    return pod === undefined ? step : { ...step, removePod: true };
  }
  if (status.phase === undefined) return { status: { phase: 'New' } };
  const owned = pod?.metadata.ownerReferences?.some(({ uid }) => uid === build.metadata.uid);
  if (pod !== undefined && !owned) {
    return ended('Error', {
      reason: 'BuildPodExists',
      message: 'The pod for this build already exists and is older than the build.',
    });
  }
  if (pod === undefined) {
    if (status.phase === 'New') return { status, createPod: true };
    if (status.phase === 'Failed') return ended('Failed', {});
    return ended('Error', {
      reason: 'BuildPodDeleted',
      message: 'The pod for this build was deleted before the build completed.',
    });
  }
  return ofPod(pod, { status, ended, nowMs });
}

export function isOver({ phase, completionTimestamp }: BuildStatus): boolean {
  if (phase === 'Failed') return completionTimestamp !== undefined;
  return phase !== undefined && !['New', 'Pending', 'Running'].includes(phase);
}

function ofPod(
  pod: Pod,
  {
    status,
    ended,
    nowMs,
  }: {
    status: BuildStatus;
    ended: (phase: 'Complete' | 'Failed', rest: Partial<BuildStatus>) => BuildStep;
    nowMs: number;
  },
): BuildStep {
  const { message = '', finishedAt } = pod.status?.containerStatuses?.[0]?.state?.terminated ?? {};
  switch (pod.status?.phase) {
    case 'Succeeded':
      return ended('Complete', { output: { to: { imageDigest: message.trim() } } });
    case 'Failed': {
      const logSnippet = message.trim().split('\n').slice(-5).join('\n');
      const why = { reason: 'DockerBuildFailed', message: 'Dockerfile build strategy has failed.' };
      // The pod writes the first half itself, just before it ends.
      const leftMs = Date.parse(String(finishedAt ?? '')) + failedInTwoMs - nowMs;
      if (leftMs > 0) return { status: { ...status, phase: 'Failed', ...why }, againMs: leftMs };
      return ended('Failed', { ...why, ...(logSnippet && { logSnippet }) });
    }
    case 'Running':
      return { status: { ...status, phase: 'Running' } };
    default:
      return { status: { ...status, phase: 'Pending' } };
  }
}
