import type { ApiObject } from '../object.ts';
import type { KindView } from './served-kind.ts';

/** Members that core/v1 names otherwise than events.k8s.io/v1, in which events are kept. */
const coreNames: Record<string, string> = {
  regarding: 'involvedObject',
  note: 'message',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
  reportingController: 'reportingComponent',
};
const storedNames = Object.fromEntries(Object.entries(coreNames).map(([stored, core]) => [core, stored]));

/** Events as core/v1 shows them: what `kubectl describe` and `kubectl get events` read. */
export const coreEventView: KindView = {
  fromStored: (object) => renamed(object, 'v1', coreNames),
  toStored: (object) => renamed(object, 'events.k8s.io/v1', storedNames),
};

function renamed(object: ApiObject, apiVersion: string, names: Record<string, string>): ApiObject {
  const members = Object.entries(object).map(([name, value]) => [names[name] ?? name, value]);
  return { ...Object.fromEntries(members), apiVersion };
}
