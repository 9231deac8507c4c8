import { type PlanGroup, planGroups } from './plan-groups.ts';
import { reasons } from './reasons.ts';
import type { ClusterRecord } from './records.ts';

/** The clusters by what they are, each list by name; all that a status counts is counted in one pass over them. */
export interface Tally {
  selected: ClusterRecord[];
  /** Each selected cluster is in exactly one of these; outdated records are among the waiting, or stay unreachable. */
  succeeded: ClusterRecord[];
  progressing: ClusterRecord[];
  waiting: ClusterRecord[];
  failed: ClusterRecord[];
  unreachable: ClusterRecord[];
  /** They have a work of the module, and should not, or something of them could not be told or written. */
  unselected: ClusterRecord[];
  /** Of clusters that are selected and others. */
  works: { desired: number; applied: number; degraded: number };
  /** Of the selected ones: the rest are few, mostly none. */
  noticed: ClusterRecord[];
  ignoring: ClusterRecord[];
  ahead: ClusterRecord[];
  silent: ClusterRecord[];
  /** They cannot be looked at: what they need is not known. */
  unread: ClusterRecord[];
  updated: number;
  outdated: number;
  groups: PlanGroup[];
}

/** `records`: by name. Cost: clusters × kernels. */
export function tallyOf(records: readonly ClusterRecord[], generation: number): Tally {
  const tally: Tally = {
    selected: [],
    succeeded: [],
    progressing: [],
    waiting: [],
    failed: [],
    unreachable: [],
    unselected: [],
    works: { desired: 0, applied: 0, degraded: 0 },
    noticed: [],
    ignoring: [],
    ahead: [],
    silent: [],
    unread: [],
    updated: 0,
    outdated: 0,
    groups: [],
  };
  for (const record of records) {
    countWork(tally, record);
    if (record.selected) countSelected(tally, record, generation);
    else tally.unselected.push(record);
  }
  tally.groups = planGroups(tally.selected);
  return tally;
}

function countWork({ works }: Tally, { work }: ClusterRecord): void {
  if (work === undefined) return;
  works.desired += 1;
  if (work.applied) works.applied += 1;
  if (work.degraded) works.degraded += 1;
}

function countSelected(tally: Tally, record: ClusterRecord, generation: number): void {
  const isPresent = record.generation === generation;
  const list = isPresent || record.phase === 'Unreachable' ? listOf[record.phase] : 'waiting';
  tally.selected.push(record);
  tally[list].push(record);
  if (list === 'succeeded' && record.reporting === 'NothingReported') tally.silent.push(record);
  if (record.notices.length > 0) tally.noticed.push(record);
  if (record.reason === reasons.lookFailed) tally.unread.push(record);
  if (record.ignored.ignored.length > 0 || record.ignored.moreIgnored > 0) tally.ignoring.push(record);
  if (record.upcoming.length > 0) tally.ahead.push(record);
  if (record.updated) tally.updated += 1;
  if (!isPresent) tally.outdated += 1;
}

const listOf = {
  Succeeded: 'succeeded',
  Progressing: 'progressing',
  Waiting: 'waiting',
  Failed: 'failed',
  Unreachable: 'unreachable',
} as const;
