import { type ClusterClaim, clusterClaims } from '@open-cluster-management/api-types';
import { done } from '../../shared/core/outcome.ts';
import { kernelClaimNames } from '../../shared/kernel/claims.ts';
import type { Cache, Change } from '../../shared/kube/cache.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type Controller, watching } from '../../shared/kube/controller.ts';
import type { Node } from '../../shared/kube/object.ts';
import { apiVersion } from '../../shared/kube/object.ts';
import { writeOwned } from '../../shared/kube/write.ts';
import { releaseOf } from '../nodes.ts';
import { decide } from './decide.ts';

export interface KernelClaimOptions {
  client: KubeClient;
  caches: { nodes: Cache<Node>; claims: Cache<ClusterClaim> };
}

const key = 'kernel-claims';

/** Tells the hub which kernels the nodes of this cluster run, by ClusterClaims (contract 7). One key for all. */
export function kernelClaimController({ client, caches }: KernelClaimOptions): Controller {
  return {
    name: 'kernel-claim',
    concurrency: 1,
    sources: [watching(caches.nodes, keysForNode), watching(caches.claims, keysForClaim)],
    async reconcile() {
      const claims = caches.claims.list();
      const { wanted, surplus } = decide({ releases: caches.nodes.list().map(releaseOf), claims });
      for (const { name, value } of wanted) {
        const present = claims.find(({ metadata }) => metadata.name === name);
        const claim = {
          apiVersion: apiVersion(clusterClaims),
          kind: clusterClaims.kind,
          metadata: { name },
          spec: { value },
        };
        await writeOwned(client, clusterClaims, { present, wanted: claim });
      }
      for (const { metadata } of surplus) await client.delete(clusterClaims, metadata);
      return done;
    },
  };
}

/** A node that came, went or changed its kernel; what else happens to nodes is not told. */
function keysForNode({ previous, current }: Change<Node>): string[] {
  const before = previous && releaseOf(previous);
  return before === (current && releaseOf(current)) ? [] : [key];
}

function keysForClaim({ previous, current }: Change<ClusterClaim>): string[] {
  return kernelClaimNames.includes((current ?? previous)?.metadata.name ?? '') ? [key] : [];
}
