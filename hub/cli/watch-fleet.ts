import {
  type ManagedCluster,
  type ManagedClusterModule,
  type ManifestWork,
  managedClusterModules,
  managedClusters,
  manifestWorks,
} from '@open-cluster-management/api-types';
import { sleep } from '../../shared/core/clock.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type KubeObject, objectKey } from '../../shared/kube/object.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { runWatch, type WatchTarget } from '../../shared/kube/watch.ts';
import { type ClusterView, slimCluster, viewCluster } from '../fleet/cluster.ts';
import { slimWork, workSelection } from './fleet-lists.ts';
import type { StatusOptions } from './options.ts';
import { rowsOf } from './rows.ts';
import type { StatusPicture } from './status.ts';

/** Changes within so long are shown together: a rollout changes many works a second. */
const quietMs = 1000;

/** Lists once and then watches, so that the fleet costs the API server what changes in it. Shows every new picture until `signal`. */
export async function watchFleet(
  client: KubeClient,
  options: StatusOptions,
  to: { runtime: Runtime; signal: AbortSignal; show: (picture: StatusPicture) => void },
): Promise<void> {
  const { runtime, signal } = to;
  let changed = false;
  const follow = <T extends KubeObject, Kept>(target: Omit<WatchTarget<T>, 'client'>, keep: (object: T) => Kept) => {
    const kept = new Map<string, Kept>();
    const ended = runWatch<T>(
      { client, ...target },
      {
        runtime,
        signal,
        onEffect(effect) {
          changed = true;
          if (effect.type === 'upsert') kept.set(objectKey(effect.object), keep(effect.object));
          else if (effect.type === 'delete') kept.delete(objectKey(effect.object));
          else for (const key of kept.keys()) if (!effect.keys.has(key)) kept.delete(key);
        },
      },
    );
    return { kept, ended };
  };
  const { module, cluster } = options;
  const modules = follow<ManagedClusterModule, ManagedClusterModule>(
    { resource: managedClusterModules, ...(module !== undefined && { fieldSelector: `metadata.name=${module}` }) },
    (object) => object,
  );
  const clusters = follow<ManagedCluster, ClusterView>({ resource: managedClusters }, (object) =>
    viewCluster(slimCluster(object)),
  );
  const works = follow<ManifestWork, ManifestWork>(
    { resource: manifestWorks, namespace: cluster, ...workSelection(module) },
    slimWork,
  );
  while (!signal.aborted) {
    await sleep(runtime.clock, quietMs, signal);
    if (signal.aborted || !changed) continue;
    changed = false;
    const all = [...modules.kept.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    to.show({ modules: all, rows: rowsOf(all, [...works.kept.values()], [...clusters.kept.values()]) });
  }
  await Promise.all([modules.ended, clusters.ended, works.ended]);
}
