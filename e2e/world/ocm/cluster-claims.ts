import type { ClusterClaim } from '@open-cluster-management/api-types';

const reserved = new Set([
  'id.k8s.io',
  'kubeversion.open-cluster-management.io',
  'platform.open-cluster-management.io',
  'product.open-cluster-management.io',
]);
const customClaimsMax = 20;

/**
 * What of a cluster's claims reaches the hub: the reserved ones, then the custom ones by name, the first 20 of them
 * (the agent's default). Claims without a value are left out.
 */
export function claimsForHub(claims: readonly ClusterClaim[]): { name: string; value: string }[] {
  const entries = claims
    .flatMap(({ metadata, spec }) => (spec.value ? [{ name: metadata.name, value: spec.value }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const custom = entries.filter(({ name }) => !reserved.has(name));
  return [...entries.filter(({ name }) => reserved.has(name)), ...custom.slice(0, customClaimsMax)];
}
