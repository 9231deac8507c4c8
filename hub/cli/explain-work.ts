import { appliedProblem, judge } from '../managed-cluster-module/judge.ts';
import { reasons } from '../managed-cluster-module/reasons.ts';
import type { Sight } from './explain.ts';
import { broken, type Link, ok, unknown, waits } from './links.ts';
import { isSoaking } from './soaking.ts';

const noWork = 'there is no ManifestWork of this module';
/** Reasons of the hub for which nobody has to do anything. */
const passing: ReadonlySet<string> = new Set([
  reasons.waiting,
  reasons.imageChecking,
  reasons.revisionPending,
  reasons.terminating,
  'ImageBuilding',
  'ImageSigning',
  'BuildQueued',
  'WaitsForTurn',
]);

/** Whether the cluster's work is there, ours, and of the present version; if not, what the hub waits for. */
export function workLink(sight: Sight): Link {
  const { isForeign, work, found, view, entry } = sight;
  if (isForeign) return broken('work', reasons.foreignWork, ['a ManifestWork of this name belongs to somebody else']);
  if (work?.metadata.deletionTimestamp !== undefined) {
    return waits('work', reasons.terminating, ['the ManifestWork is being deleted']);
  }
  const told = entry === undefined || entry.state !== 'Waiting' ? [] : [`${entry.reason}: ${entry.message ?? ''}`];
  const held = view.hold !== undefined ? [view.hold.message] : [];
  const reason = entry?.state === 'Waiting' ? entry.reason : view.hold?.reason;
  const state = reason === undefined || passing.has(reason) ? waits : broken;
  if (found === undefined) return state('work', reason ?? 'NoWork', [noWork, ...told, ...held]);
  if (found.spec === undefined) return broken('work', 'OtherVersion', ['it holds something else than the Module']);
  const has = found.revision ?? "no version of this hub's (written by another hub)";
  if (view.wanted !== undefined && found.revision !== view.wanted.revision) {
    const seen = [`is of ${has}; the present version is ${view.wanted.revision}`, ...told, ...held];
    return state('work', reason ?? 'OtherVersion', seen);
  }
  const since = found.updatedAt === undefined ? '' : `, since ${found.updatedAt}`;
  if (told.length > 0) return state('work', reason ?? reasons.waiting, [`is of the present version${since}`, ...told]);
  return ok('work', [`is of the present version${since}`]);
}

/** Whether the work agent has applied it. */
export function appliedLink({ work, isForeign }: Sight): Link {
  if (work === undefined || isForeign) return unknown('applied', ['without a work nothing is applied']);
  const problem = appliedProblem(work);
  if (problem === undefined) return ok('applied', ['the work agent has applied it']);
  const state = problem.reason === reasons.notApplied ? waits : broken;
  return state('applied', problem.reason, [problem.message]);
}

/** What the nodes say. Failed is said at the first failing node: the hub waits 40 s before it does. */
export function loadedLink({ work, isForeign, found, feedback, view, nowMs, entry }: Sight): Link {
  if (work === undefined || isForeign || feedback === undefined) return unknown('loaded', ['nothing is reported']);
  const spec = found?.spec ?? view.wanted?.moduleSpec;
  if (spec === undefined) return unknown('loaded', ['the spec cannot be used']);
  if (appliedProblem(work) !== undefined) return unknown('loaded', ['what is reported is of the state before']);
  const { minSuccessMs, deadlineMs } = view;
  const { verdict } = judge({ work, spec, feedback, minSuccessMs, deadlineMs, nowMs, memory: undefined });
  const errors = feedback.state === found?.state ? (feedback.report?.errors ?? []) : [];
  const seen = [
    verdict.message,
    ...errors.map(({ node, kernel, reason, message }) => `${node} (${kernel}): ${reason}: ${message}`),
  ];
  const also = [...new Set(errors.map(({ reason }) => reason))];
  // Since when it is well, also after a break, the hub remembers.
  if (verdict.phase === 'Succeeded')
    return isSoaking(entry) ? waits('loaded', reasons.soaking, [entry?.message ?? '']) : ok('loaded', seen);
  const fails = verdict.phase === 'Failed' || verdict.reason === reasons.failing || errors.length > 0;
  if (fails || entry?.state === 'Failed') return broken('loaded', also[0] ?? verdict.reason, seen, also);
  return waits('loaded', verdict.reason, seen);
}
