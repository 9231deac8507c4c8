import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { namespaces, resource } from '../../../shared/kube/resources.ts';
import { deployed } from '../../../shared/testing/deployed.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac.ts';

const kinds = [
  namespaces,
  resource<KubeObject>('', 'v1', 'ServiceAccount', 'serviceaccounts', true),
  clusterRoles,
  roles,
  clusterRoleBindings,
  roleBindings,
];

/** What an admin applies from `deploy/` for our program, and what OCM brings for its own; no Deployment: tests run the programs. */
export async function installRights(client: KubeClient, role: 'hub' | 'spoke'): Promise<void> {
  const all = [...deployed(role).map(({ object }) => object), ...ofOcm(role)];
  // Namespaces first: the others stand in them.
  for (const kind of kinds) {
    const objects = all.filter((each) => each.kind === kind.kind);
    await Promise.all(objects.map((object) => client.create<KubeObject>(kind, object).catch(unlessThere)));
  }
}

function ofOcm(role: 'hub' | 'spoke'): KubeObject[] {
  const text = readFileSync(join(import.meta.dirname, `../ocm/rights-on-${role}.yaml`), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}

function unlessThere(error: unknown): void {
  if (!isConflict(error)) throw error;
}
