import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import type { RecordedEvent } from '../../shared/kube/events.ts';
import { reasons } from './reasons.ts';

/** Which status of a condition is the good one; of `Progressing` neither is. */
const goodStatus: Readonly<Record<string, 'True' | 'False'>> = {
  Ready: 'True',
  ImagesReady: 'True',
  Degraded: 'False',
  InventoryComplete: 'True',
};

type ConditionEvent = Omit<RecordedEvent, 'regarding'>;

/**
 * One event for each condition whose status or reason changed: the same reason, the message as the note. What is good
 * from the start is no news, and two conditions that turn for one reason are one change. Pure.
 */
export function eventsOf(before: ManagedClusterModuleStatus, now: ManagedClusterModuleStatus): ConditionEvent[] {
  const found = new Map<string, ConditionEvent>();
  for (const { type: action, status, reason, message } of now.conditions ?? []) {
    // Of `Progressing` one turn is news: that nothing goes on any more.
    const good = reason === reasons.stopped ? 'True' : goodStatus[action];
    const known = before.conditions?.find((condition) => condition.type === action);
    const isSame = known?.status === status && known.reason === reason;
    if (good === undefined || isSame || (known === undefined && status === good)) continue;
    const type = status === good ? 'Normal' : 'Warning';
    if (!found.has(reason)) found.set(reason, { type, reason, note: `${action}=${status}: ${message}`, action });
  }
  return [...found.values()];
}
