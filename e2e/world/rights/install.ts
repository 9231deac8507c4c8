import { join } from 'node:path';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { deployed } from '../../../shared/testing/deployed.ts';
import { yamlDocuments } from '../../../shared/testing/yaml-files.ts';
import { serviceAccounts } from '../control-plane/service-account.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac.ts';

const kinds = [namespaces, serviceAccounts, clusterRoles, roles, clusterRoleBindings, roleBindings];

/** What an admin applies from `deploy/` for our program, and what OCM brings for its own; no Deployment: tests run the programs. */
export async function installRights(client: KubeClient, role: 'hub' | 'hub-openshift' | 'spoke'): Promise<void> {
  const ofOthers = ofOcm(role === 'spoke' ? 'spoke' : 'hub');
  await apply(client, [...deployed(role).map(({ object }) => object), ...ofOthers]);
}

/** Lets the spoke program make images in the namespace that deploy/spoke-images names. */
export function installImageRights(client: KubeClient): Promise<void> {
  return apply(
    client,
    deployed('spoke-images').map(({ object }) => object),
  );
}

async function apply(client: KubeClient, all: readonly KubeObject[]): Promise<void> {
  // Namespaces first: the others stand in them.
  for (const kind of kinds) {
    const objects = all.filter((each) => each.kind === kind.kind);
    await Promise.all(objects.map((object) => createUnlessThere<KubeObject>(client, kind, object)));
  }
}

function ofOcm(role: 'hub' | 'spoke') {
  return yamlDocuments(join(import.meta.dirname, `../ocm/rights-on-${role}.yaml`)) as readonly KubeObject[];
}
