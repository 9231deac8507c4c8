import assert from 'node:assert/strict';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../../../shared/kube/object.ts';
import { decideStep, type OwnerState, type Step } from './decide.ts';

const object = (metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', uid: 'x', ...metadata },
});
const reference = (uid: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: uid,
  uid,
  ...more,
});
const owner = (uid: string, state: OwnerState['state']): OwnerState => ({ reference: reference(uid), state });

describe('what the garbage collector does with one object', () => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const dependent = object({ uid: 'd', ownerReferences: [reference('x')] });
  const blocking = object({ uid: 'd', ownerReferences: [reference('x', { blockOwnerDeletion: true })] });
  const cases: [string, Parameters<typeof decideStep>[0], Step][] = [
    ['nothing to what has no owner', { object: object(), owners: [], dependents: [] }, { kind: 'nothing' }],
    [
      'nothing while an owner is there',
      { object: object(), owners: [owner('a', 'present')], dependents: [] },
      { kind: 'nothing' },
    ],
    [
      'drops the lost owner of two',
      { object: object(), owners: [owner('a', 'present'), owner('b', 'absent')], dependents: [] },
      { kind: 'drop owners', uids: ['b'] },
    ],
    [
      'deletes what lost its last owner',
      { object: object(), owners: [owner('a', 'absent')], dependents: [dependent] },
      { kind: 'delete', policy: 'Background' },
    ],
    [
      'follows an owner that is deleted in the foreground, in the foreground when it has dependents',
      { object: object(), owners: [owner('a', 'deleting in foreground')], dependents: [dependent] },
      { kind: 'delete', policy: 'Foreground' },
    ],
    [
      'nothing when an owner cannot be looked up',
      { object: object(), owners: [owner('a', 'invalid'), owner('b', 'absent')], dependents: [] },
      { kind: 'nothing' },
    ],
    [
      'nothing to what is being deleted anyhow',
      { object: object({ deletionTimestamp }), owners: [], dependents: [] },
      { kind: 'nothing' },
    ],
    [
      'orphans before the owner goes',
      { object: object({ deletionTimestamp, finalizers: ['orphan'] }), owners: [], dependents: [dependent] },
      { kind: 'orphan dependents' },
    ],
    [
      'waits for blocking dependents in the foreground',
      { object: object({ deletionTimestamp, finalizers: ['foregroundDeletion'] }), owners: [], dependents: [blocking] },
      { kind: 'delete dependents', blocking: true },
    ],
    [
      'does not wait for others',
      {
        object: object({ deletionTimestamp, finalizers: ['foregroundDeletion'] }),
        owners: [],
        dependents: [dependent],
      },
      { kind: 'delete dependents', blocking: false },
    ],
  ];
  for (const [what, picture, expected] of cases) it(what, () => assert.deepEqual(decideStep(picture), expected));
});
