import { assert } from '../../../shared/core/assert.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { applyDefinitions, ourDefinitions } from '../api-server/definitions.ts';
import { eventually } from '../eventually.ts';
import { ocmDefinitions } from '../ocm/definitions.ts';
import type { CustomSpec } from '../ocm/kinds.ts';
import { peerDefinitions } from '../peer-definitions.ts';

/** Serves our kinds and OCM's: these by OCM's own definitions where they are to be had, else by what we know of them. */
export async function serveDefinitions(client: KubeClient, kmm: 'ours' | 'peers' = 'ours'): Promise<void> {
  const ours = kmm === 'ours' ? ourDefinitions() : peerDefinitions('kmm');
  assert(ours, "expected the peers' CRDs beside the project, in ../shared/crds or where KMM_PEER_CRDS says");
  const wanted = [...ours, ...(peerDefinitions('ocm') ?? ocmDefinitions())];
  await applyDefinitions(client, wanted);
  // Established is not served yet: for a moment the server answers 404, then that its storage is (re)initializing.
  await Promise.all(
    wanted.map(async ({ metadata, spec }) =>
      eventually(`${metadata.name} is served`, () => listAll(client, spec as CustomSpec)),
    ),
  );
}

async function listAll(client: KubeClient, { group, scope, names, versions }: CustomSpec): Promise<true> {
  for (const { name } of versions.filter(({ served }) => served)) {
    await client.list(resource(group, name, names.kind, names.plural, scope === 'Namespaced'), { limit: 1 });
  }
  return true;
}
