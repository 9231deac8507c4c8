import type { KubeObject, OwnerReference } from '../../../../shared/kube/object.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** What was found out about one owner reference. */
export interface OwnerState {
  reference: OwnerReference;
  /** `invalid`: a namespaced owner of a cluster-scoped object, which nobody can look up. */
  state: 'present' | 'deleting in foreground' | 'absent' | 'invalid';
}

export type Step =
  | { kind: 'nothing' }
  | { kind: 'orphan dependents' }
  | { kind: 'delete dependents'; blocking: boolean }
  | { kind: 'drop owners'; uids: string[] }
  | { kind: 'delete'; policy: 'Background' | 'Foreground' | 'Orphan' };

/**
 * Kubernetes' garbage collection of one object: what is being deleted by policy handles its dependents; everything else
 * stays while one owner is there, and follows its last owner.
 */
export function decideStep(picture: {
  object: KubeObject;
  owners: readonly OwnerState[];
  dependents: readonly KubeObject[];
}): Step {
  const { object, owners, dependents } = picture;
  const { deletionTimestamp, finalizers = [], uid } = object.metadata;
  if (deletionTimestamp !== undefined) {
    if (finalizers.includes(orphanFinalizer)) return { kind: 'orphan dependents' };
    if (!finalizers.includes(foregroundFinalizer)) return { kind: 'nothing' };
    const blocks = (owner: OwnerReference) => owner.uid === uid && owner.blockOwnerDeletion === true;
    const blocking = dependents.some((dependent) => dependent.metadata.ownerReferences?.some(blocks));
    return { kind: 'delete dependents', blocking };
  }
  if (owners.length === 0 || owners.some(({ state }) => state === 'invalid')) return { kind: 'nothing' };
  const gone = owners.filter(({ state }) => state !== 'present');
  if (gone.length < owners.length) {
    return gone.length === 0
      ? { kind: 'nothing' }
      : { kind: 'drop owners', uids: gone.map(({ reference }) => reference.uid) };
  }
  const inForeground = owners.some(({ state }) => state === 'deleting in foreground') && dependents.length > 0;
  if (inForeground || finalizers.includes(foregroundFinalizer)) return { kind: 'delete', policy: 'Foreground' };
  return { kind: 'delete', policy: finalizers.includes(orphanFinalizer) ? 'Orphan' : 'Background' };
}
