import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import { type ConditionState, shortened, withConditions } from '../../../shared/core/conditions.ts';
import type { RecordedEvent } from '../../../shared/kube/events.ts';
import { annotations } from '../../../shared/kube/names.ts';
import { examples, rest } from '../examples.ts';
import { reasons } from '../reasons.ts';
import type { Outstanding } from './decide.ts';

export interface Waiting {
  /** Somebody has to do something. */
  held: boolean;
  outstanding: readonly Outstanding[];
}

/** Clusters that a condition or an event names: with the longest names and messages they leave room for the advice. */
const namesMax = 5;
const messageCharsMax = 60;

/** What a ManagedClusterModule says while its clusters are asked to keep their Modules. The rest stays as it was. Pure. */
export function leavingStatus(
  present: ManagedClusterModuleStatus,
  said: { waiting: Waiting; generation: number; nowText: string },
): ManagedClusterModuleStatus {
  const { waiting, generation: observedGeneration, nowText } = said;
  const { held } = waiting;
  const why = { reason: reasonOf(waiting), message: messageOf(waiting), observedGeneration };
  const healthy = { reason: reasons.healthy, message: 'no problem is known', observedGeneration };
  const wanted: ConditionState[] = [
    { type: 'Ready', status: 'False', ...why },
    { type: 'Progressing', status: 'True', ...why },
    { type: 'Degraded', ...(held ? { status: 'True', ...why } : { status: 'False', ...healthy }) },
  ];
  const conditions = withConditions(present.conditions ?? [], wanted, nowText);
  return { ...present, observedGeneration, conditions };
}

/** Once for each time that it turns from going on by itself to being held, or back. Pure. */
export function waitingEvent(
  before: ManagedClusterModuleStatus,
  waiting: Waiting,
): Omit<RecordedEvent, 'regarding'> | undefined {
  const reason = reasonOf(waiting);
  if (before.conditions?.find(({ type }) => type === 'Ready')?.reason === reason) return undefined;
  return { type: waiting.held ? 'Warning' : 'Normal', reason, note: messageOf(waiting), action: 'Deleting' };
}

/** What was not confirmed when the deletion was forced. Pure. */
export function forcedEvent(unconfirmed: readonly Outstanding[]): Omit<RecordedEvent, 'regarding'> {
  const note =
    `deleted without the word of ${count(unconfirmed)} that the Modules stay: ${named(unconfirmed)}. ` +
    'Their ManifestWorks say Orphan, and each goes once its cluster has confirmed';
  return { type: 'Warning', reason: reasons.orphanForced, note, action: 'Deleting' };
}

function reasonOf({ held }: Waiting): string {
  return held ? reasons.orphanHeld : reasons.orphaning;
}

function messageOf({ held, outstanding }: Waiting): string {
  const message = `is being deleted, its Modules stay: waits for ${count(outstanding)} to confirm: ${named(outstanding)}`;
  if (!held) return message;
  return `${message}. To go on without those that cannot, annotate it with ${annotations.forceOrphan}=true`;
}

function count({ length }: readonly unknown[]): string {
  return length === 1 ? '1 cluster' : `${length} clusters`;
}

function named(all: readonly Outstanding[]): string {
  const brief = all.slice(0, namesMax).map((each) => ({ ...each, message: shortened(each.message, messageCharsMax) }));
  return `${examples(brief, namesMax)}${rest(all, namesMax)}`;
}
