import { assert } from '../../../shared/core/assert.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { applyDefinitions, type Definition, definitions, ourDefinitions } from '../api-server/definitions.ts';
import { eventually } from '../eventually.ts';
import { ocmDefinitions } from '../ocm/definitions.ts';
import { peerDefinitions } from '../peer-definitions.ts';

type Established = Definition & { status?: { conditions?: { type: string; status: string }[] } };

/** Serves our kinds and OCM's: these by OCM's own definitions where they are to be had, else by what we know of them. */
export async function serveDefinitions(client: KubeClient, kmm: 'ours' | 'peers' = 'ours'): Promise<void> {
  const ours = kmm === 'ours' ? ourDefinitions() : peerDefinitions('kmm');
  assert(ours, "expected the peers' CRDs beside the project, in ../shared/crds or where KMM_PEER_CRDS says");
  const wanted = [...ours, ...(peerDefinitions('ocm') ?? ocmDefinitions())];
  await applyDefinitions(client, wanted);
  await eventually('all kinds are served', async () => {
    const { items } = await client.list<Established>(definitions);
    const served = items.filter(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True'),
    );
    return served.length === wanted.length;
  });
}
