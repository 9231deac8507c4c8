import type { ManifestWork, ModuleSpec } from '@open-cluster-management/api-types';
import type { Gathered } from './gather.ts';
import { deadlineOf, judge, type Verdict } from './judge.ts';
import type { Memory } from './judge-memory.ts';
import type { ClusterPicture } from './picture.ts';

/** Who got the version and cannot be reached is late like anybody else: the driver may have taken the cluster down. */
export function latenessOf(
  nowMs: number,
  { view: { waves, deadlineMs, minSuccessMs }, picture, work }: Gathered,
  memory: Memory | undefined,
): Pick<Verdict, 'phase' | 'sinceMs' | 'recheckMs'> | undefined {
  if (waves === undefined || picture.cluster?.reachable !== false) return undefined;
  const { succeededAt, failedAt } = picture.ending;
  if (succeededAt !== undefined) return undefined;
  const before = failedAt === undefined ? judgedWhenLost(picture, work, minSuccessMs) : undefined;
  if (before?.phase === 'Succeeded') return before;
  if (deadlineMs === undefined) return undefined;
  const lateAtMs = work === undefined ? undefined : deadlineOf({ work, memory }, deadlineMs);
  if (lateAtMs === undefined) return undefined;
  const leftMs = lateAtMs - nowMs;
  return leftMs <= 0 ? { phase: 'Failed', sinceMs: lateAtMs } : { phase: 'Progressing', recheckMs: leftMs };
}

/** What it was when it was lost, by what its work says still: it may have been well before anything went in waves. */
function judgedWhenLost(
  { cluster, work: present }: ClusterPicture,
  work: ManifestWork | undefined,
  minSuccessMs: number,
) {
  const nowMs = cluster?.reachableChangedMs;
  if (nowMs === undefined || present?.view.spec === undefined || work === undefined) return undefined;
  const { feedback, view } = present;
  return judge({
    work,
    spec: view.spec as ModuleSpec,
    feedback,
    minSuccessMs,
    deadlineMs: undefined,
    nowMs,
    memory: undefined,
  }).verdict;
}
