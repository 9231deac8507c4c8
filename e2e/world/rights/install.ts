import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { type Manifest, manifestsIn } from '../real/manifests.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac.ts';

const kinds = [
  resource<Manifest>('', 'v1', 'Namespace', 'namespaces', false),
  resource<Manifest>('', 'v1', 'ServiceAccount', 'serviceaccounts', true),
  clusterRoles,
  roles,
  clusterRoleBindings,
  roleBindings,
];

/** Namespaces first: the others stand in them. */
function rightsOf(role: 'hub' | 'spoke'): Manifest[] {
  const all = [...manifestsIn(`deploy/${role}`), ...manifestsIn(`e2e/world/ocm/rights-on-${role}`)];
  return kinds.flatMap(({ kind }) => all.filter((each) => each.kind === kind));
}

/** What an admin applies from `deploy/` for our program, and what OCM brings for its own; no Deployment: tests run the programs. */
export async function installRights(client: KubeClient, role: 'hub' | 'spoke'): Promise<void> {
  for (const object of rightsOf(role)) {
    const kind = kinds.find((each) => each.kind === object.kind);
    if (kind !== undefined) await client.create<Manifest>(kind, object).catch(unlessThere);
  }
}

function unlessThere(error: unknown): void {
  if (!isConflict(error)) throw error;
}
