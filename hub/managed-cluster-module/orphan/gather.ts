import type { ManagedClusterModule, ManifestWork } from '@open-cluster-management/api-types';
import { annotations } from '../../../shared/kube/names.ts';
import { type Owner, ownership } from '../../../shared/kube/ownership.ts';
import { isAvailable } from '../../fleet/cluster.ts';
import type { Fleet } from '../gather.ts';
import { workLabel } from '../work.ts';
import { answerOf } from './answer.ts';
import type { OrphanPicture, WorkPicture } from './picture.ts';
import { deletionPolicyOf } from './policy.ts';

export type OrphanFleet = Pick<Fleet, 'modules' | 'clusters' | 'works' | 'moduleViews' | 'nowMs' | 'passedMs'>;

/** A ManagedClusterModule with `works`, else those of the cache. */
export function gatherModule(
  fleet: OrphanFleet,
  module: ManagedClusterModule,
  works?: readonly ManifestWork[],
): OrphanPicture {
  const { name, owner } = fleet.moduleViews.of(module);
  const all = works ?? fleet.works.byIndex('module', name);
  return { ...deletionPolicyOf(module), works: all.map((work) => gatherWork(fleet, owner, work)) };
}

export function gatherWork({ clusters }: OrphanFleet, owner: Owner, work: ManifestWork): WorkPicture {
  const { name, namespace: cluster = '', ownerReferences, deletionTimestamp } = work.metadata;
  const seen = clusters.get({ name: cluster });
  return {
    ...answerOf(work),
    cluster,
    ownership: ownership(work, owner, workLabel(name)),
    owned: ownerReferences?.some(({ uid, controller }) => uid === owner.uid || controller === true) ?? false,
    terminating: deletionTimestamp !== undefined,
    written: work.metadata.annotations?.[annotations.written] !== undefined,
    reachable: seen !== undefined && isAvailable(seen),
  };
}
