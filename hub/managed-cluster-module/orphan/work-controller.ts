import { type ManifestWork, manifestWorks } from '@open-cluster-management/api-types';
import { unreachable } from '../../../shared/core/assert.ts';
import { done, type Outcome } from '../../../shared/core/outcome.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { OwnerReference } from '../../../shared/kube/object.ts';
import { isNamesake, type Owner } from '../../../shared/kube/ownership.ts';
import { controllerReference } from '../../../shared/kube/write.ts';
import { splitClusterKey } from '../keys.ts';
import { stepOfWork } from './decide.ts';
import { gatherWork, type OrphanFleet } from './gather.ts';
import { deletionPolicyOf } from './policy.ts';

export interface OrphanWorkParts {
  client: KubeClient;
  fleet: OrphanFleet;
}

/**
 * One work of a ManagedClusterModule that leaves its Modules behind, did so, or shall no longer (`module/cluster`).
 * Cost: look-ups; one request when something is to be done.
 */
export function orphanWorkReconcile({ client, fleet }: OrphanWorkParts): (key: string) => Promise<Outcome> {
  return async (key) => {
    const { module: name, cluster } = splitClusterKey(key);
    const work = fleet.works.get({ namespace: cluster, name });
    if (work === undefined) return done;
    const module = fleet.modules.get({ name });
    const owner = module === undefined ? goneOwner(name) : fleet.moduleViews.of(module).owner;
    const policy = module === undefined ? undefined : deletionPolicyOf(module);
    const step = stepOfWork(policy, gatherWork(fleet, owner, work));
    switch (step) {
      case 'keep':
        break;
      case 'release':
        await client.replace(manifestWorks, withReferences(work, owner, []));
        break;
      case 'own':
        await client.replace(manifestWorks, told(withReferences(work, owner, [controllerReference(owner)]), undefined));
        break;
      case 'tell':
        await client.replace(manifestWorks, told(withReferences(work, owner, []), { propagationPolicy: 'Orphan' }));
        break;
      case 'delete':
        await client.delete(manifestWorks, work.metadata, { preconditions: preconditions(work) });
        break;
      default:
        unreachable(step);
    }
    return done;
  };
}

/** Stands for an object that is not there any more: its works have no owner, and their label names it. */
function goneOwner(name: string): Owner {
  return { apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1', kind: 'ManagedClusterModule', name, uid: '' };
}

/** Other owners stay; `references` replace what names `owner` or its namesake. */
function withReferences(work: ManifestWork, owner: Owner, references: readonly OwnerReference[]): ManifestWork {
  const { ownerReferences = [], ...metadata } = work.metadata;
  const others = ownerReferences.filter(
    (reference) => reference.uid !== owner.uid && !(reference.controller === true && isNamesake(reference, owner)),
  );
  return { ...work, metadata: { ...metadata, ownerReferences: [...others, ...references] } };
}

function told(work: ManifestWork, deleteOption: ManifestWork['spec']['deleteOption']): ManifestWork {
  const { deleteOption: _before, ...spec } = work.spec;
  return { ...work, spec: deleteOption === undefined ? spec : { ...spec, deleteOption } };
}

/** What was seen is what is deleted: not one that was told something else meanwhile. */
function preconditions({ metadata: { uid, resourceVersion } }: ManifestWork) {
  return { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) };
}
