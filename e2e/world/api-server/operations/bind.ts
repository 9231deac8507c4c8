import { rfc3339 } from '../../../../shared/core/clock.ts';
import { isRecord } from '../../../../shared/core/record.ts';
import { badRequest, conflict, notFound } from '../failures.ts';
import { copyOf, valueAt } from '../object.ts';
import { type Answer, type Call, collectionOf, type ServerState } from './context.ts';

/** The scheduler's word: POST of a Binding to a pod's subresource puts the pod on a node, once and for all. */
export function bind(state: ServerState, call: Call): Answer {
  const name = call.name ?? '';
  const collection = collectionOf(state, call);
  const present = collection.get(call.namespace, name)?.object;
  if (present === undefined) throw notFound(call.kind, name);
  const nodeName = valueAt(call.body, ['target', 'name']);
  if (typeof nodeName !== 'string' || nodeName === '') throw badRequest('a Binding names its node as target.name');
  const bound = valueAt(present, ['spec', 'nodeName']);
  if (bound) throw conflict(call.kind, name, `pod ${name} is already assigned to node "${bound}"`);
  if (present.metadata.deletionTimestamp) throw conflict(call.kind, name, `pod ${name} is being deleted`);
  const next = copyOf(present);
  const { conditions } = isRecord(next.status) ? next.status : {};
  const others = (Array.isArray(conditions) ? conditions : []).filter(({ type }) => type !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: rfc3339(state.clock.now()) };
  next.spec = { ...(isRecord(next.spec) ? next.spec : {}), nodeName };
  next.status = { ...(isRecord(next.status) ? next.status : {}), conditions: [...others, scheduled] };
  collection.put(next);
  return {
    code: 201,
    text: JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
  };
}
