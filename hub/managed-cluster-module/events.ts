import type { ManagedClusterModuleStatus } from '@open-cluster-management/api-types';
import type { RecordedEvent } from '../../shared/kube/events.ts';

/** Which status of a condition is the good one; of `Progressing` neither is. */
const goodStatus: Readonly<Record<string, 'True' | 'False'>> = {
  Ready: 'True',
  ImagesReady: 'True',
  Degraded: 'False',
  InventoryComplete: 'True',
};

/**
 * One event for each condition whose status or reason changed: the same reason, the message as the note. What is good
 * from the start is no news. Pure.
 */
export function eventsOf(
  before: ManagedClusterModuleStatus,
  now: ManagedClusterModuleStatus,
): Omit<RecordedEvent, 'regarding'>[] {
  const all = (now.conditions ?? []).flatMap(({ type, status, reason, message }) => {
    const good = goodStatus[type];
    if (good === undefined) return [];
    const known = before.conditions?.find((condition) => condition.type === type);
    if (known?.status === status && known.reason === reason) return [];
    if (known === undefined && status === good) return [];
    return [
      { type: status === good ? 'Normal' : 'Warning', reason, note: `${type}=${status}: ${message}`, action: type },
    ];
  });
  // Two conditions that turn for one reason are one change.
  return all.filter(({ reason, type }, index) => {
    return all.findIndex((event) => event.reason === reason && event.type === type) === index;
  });
}
