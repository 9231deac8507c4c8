import type { ManagedCluster } from '@open-cluster-management/api-types';
import type { CacheView } from '../../../shared/kube/cache.ts';
import type { ClusterRecord } from '../records.ts';
import type { RolloutCluster } from './admit.ts';
import { groupIndexOf, type Waves } from './strategy.ts';

const none = {};

/** The selected clusters as the rollout sees them. Cost: clusters, and groups for those whose labels changed. */
export function rolloutClusters(
  records: readonly ClusterRecord[],
  {
    waves,
    clusters,
    admitted,
  }: {
    waves: Waves;
    clusters: CacheView<ManagedCluster>;
    admitted: (cluster: string) => boolean;
  },
): RolloutCluster[] {
  return records
    .filter(({ selected }) => selected)
    .map(({ cluster: name, stage }) => ({
      name,
      group: groupIndexOf(waves, clusters.get({ name })?.metadata.labels ?? none),
      stage,
      admitted: admitted(name),
    }));
}
