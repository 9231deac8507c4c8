import type { Module } from '@open-cluster-management/api-types';
import type { KubeClient } from '../../shared/kube/client.ts';
import { isConflict } from '../../shared/kube/errors.ts';
import { labels } from '../../shared/kube/names.ts';
import type { NetworkPolicy } from '../../shared/kube/object.ts';
import { ownerOf, ownership } from '../../shared/kube/ownership.ts';
import { networkPolicies } from '../../shared/kube/resources.ts';
import { writeOwned } from '../../shared/kube/write.ts';

/** Makes `wanted` so, unless a policy of its name is foreign, which it leaves as it is; returns whether it was. */
export async function applyPolicy(
  client: KubeClient,
  module: Module,
  { wanted, present }: { wanted: NetworkPolicy; present: NetworkPolicy | undefined },
): Promise<'foreign' | 'done'> {
  const owner = ownerOf(module);
  const isForeign = (policy: NetworkPolicy) =>
    ownership(policy, owner, { [labels.moduleName]: module.metadata.name }) === 'foreign';
  // A rule that somebody adds would open what is closed.
  const write = (over: NetworkPolicy | undefined) =>
    writeOwned(client, networkPolicies, { present: over, wanted, owner, exact: ({ spec }) => [spec] });
  if (present !== undefined && isForeign(present)) return 'foreign';
  try {
    await write(present);
  } catch (error) {
    if (!isConflict(error) || present !== undefined) throw error;
    // Without our label it is in no cache of ours.
    const found = await client.get(networkPolicies, wanted.metadata);
    if (found !== undefined && isForeign(found)) return 'foreign';
    if (found === undefined || found.metadata.labels?.[labels.moduleName] !== undefined) throw error;
    await write(found);
  }
  return 'done';
}
