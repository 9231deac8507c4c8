import {
  type ClusterStatus,
  durationMs,
  type ManagedClusterModule,
  type ManifestWork,
} from '@open-cluster-management/api-types';
import { annotations } from '../../shared/kube/names.ts';
import { readFeedback } from '../managed-cluster-module/feedback.ts';
import { soakOf } from '../managed-cluster-module/judge.ts';
import { type Problem, reasons } from '../managed-cluster-module/reasons.ts';
import { wavesOf } from '../managed-cluster-module/rollout/strategy.ts';
import { viewWork } from '../managed-cluster-module/work.ts';

/** The status says so: well, and must stay so before it counts. */
export function isSoaking(told: { state: string; reason: string } | undefined): boolean {
  return told?.state === 'Progressing' && told.reason === reasons.soaking;
}

/**
 * Says of works whose cluster the module's status does not name what the hub would say of a cluster that soaks. Undefined while they
 * cannot be meant: nobody is on the way but those that the status names, or nothing notes how a version ended (`All`). Pure.
 */
export function soakOfUntold({ metadata, spec, status }: ManagedClusterModule) {
  const named = status?.clusters?.filter(({ state }: ClusterStatus) => state === 'Progressing').length ?? 0;
  // Who is on its way is named before who waits.
  const areMore = (status?.rollout?.progressing ?? 0) > named && status?.observedGeneration === metadata.generation;
  if (!areMore || metadata.deletionTimestamp !== undefined || wavesOf(spec?.rollout) === undefined) return undefined;
  const minSuccessMs = durationMs(spec?.rollout?.minSuccessTime) ?? 0;
  return (work: ManifestWork): Problem | undefined => {
    const hasEnded = work.metadata.annotations?.[annotations.succeededAt] !== undefined;
    if (hasEnded || work.metadata.deletionTimestamp !== undefined) return undefined;
    const { spec: shipped } = viewWork(work, spec?.spokeNamespace ?? '', 'unchecked');
    if (shipped === undefined) return undefined;
    const soak = soakOf({ work, spec: shipped, feedback: readFeedback(work), minSuccessMs });
    return soak?.reason === reasons.soaking ? soak : undefined;
  };
}
