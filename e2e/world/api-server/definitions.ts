import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';

export type Definition = KubeObject & { spec: unknown };

export const definitions = resource<Definition>(
  'apiextensions.k8s.io',
  'v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);

/** Our own CustomResourceDefinitions, as an admin applies them. */
export function ourDefinitions(): Definition[] {
  const folder = join(import.meta.dirname, '../../../deploy/crds');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return files.sort().map((name) => parse(readFileSync(join(folder, name), 'utf8')) as Definition);
}

const work = 'work.open-cluster-management.io';
const cluster = 'cluster.open-cluster-management.io';

/**
 * The kinds of Open Cluster Management that the world needs. Their contents are open: what matters here is how they are
 * served (scope, versions, status), not what OCM itself would refuse.
 */
export function ocmDefinitions(): Definition[] {
  return [
    openDefinition({ group: cluster, version: 'v1', kind: 'ManagedCluster', scope: 'Cluster', shortNames: ['mcl'] }),
    openDefinition({ group: cluster, version: 'v1alpha1', kind: 'ClusterClaim', scope: 'Cluster', hasStatus: false }),
    openDefinition({ group: work, version: 'v1', kind: 'ManifestWork', scope: 'Namespaced' }),
    openDefinition({ group: work, version: 'v1', kind: 'AppliedManifestWork', scope: 'Cluster' }),
  ];
}

function openDefinition(options: {
  group: string;
  version: string;
  kind: string;
  scope: 'Namespaced' | 'Cluster';
  hasStatus?: boolean;
  shortNames?: string[];
}): Definition {
  const { group, version, kind, scope, hasStatus = true, shortNames = [] } = options;
  const plural = `${kind.toLowerCase()}s`;
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const properties = { spec: open, ...(hasStatus && { status: open }) };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind, plural, shortNames },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
          ...(hasStatus && { subresources: { status: {} } }),
        },
      ],
    },
  };
}

/** Posts each; one that is there already stays as it is. */
export async function applyDefinitions(client: KubeClient, wanted: readonly Definition[]): Promise<void> {
  for (const definition of wanted) {
    try {
      await client.create(definitions, definition);
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}
