import {
  appliedManifestWorks,
  clusterClaims,
  managedClusters,
  manifestWorks,
} from '@open-cluster-management/api-types';
import {
  appliedManifestWorkSchema,
  clusterClaimSchema,
  managedClusterSchema,
  manifestWorkSchema,
} from '@open-cluster-management/api-types/schemas';
import { customResourceDefinition } from '../../../shared/api-types/generate/crd.ts';
import type { CustomKind } from '../../../shared/api-types/generate/kinds.ts';
import type { Definition } from '../api-server/definitions.ts';

const kinds: readonly Pick<CustomKind, 'resource' | 'schema' | 'shortNames' | 'hasStatus'>[] = [
  { resource: managedClusters, schema: managedClusterSchema, shortNames: ['mcl', 'mcls'], hasStatus: true },
  { resource: clusterClaims, schema: clusterClaimSchema, shortNames: [], hasStatus: false },
  { resource: manifestWorks, schema: manifestWorkSchema, shortNames: [], hasStatus: true },
  { resource: appliedManifestWorks, schema: appliedManifestWorkSchema, shortNames: [], hasStatus: true },
];

/**
 * CustomResourceDefinitions of Open Cluster Management's kinds as far as we know them, from our own schemas: what they
 * would refuse or drop is refused or dropped here too. A test holds the schemas to OCM's own definitions.
 */
export function ocmDefinitions(): Definition[] {
  return kinds.map((kind) => customResourceDefinition({ ...kind, columns: [] }));
}
