import type { ClusterClaim } from '@open-cluster-management/api-types';
import { type Claim, formatKernelClaims, kernelClaimNames } from '../../shared/kernel/claims.ts';

export interface ClaimPicture {
  /** As the nodes report them, with `+`; repeated and in any order. */
  releases: readonly string[];
  /** All ClusterClaims of this cluster; only those of our four names are ours. */
  claims: readonly ClusterClaim[];
}

/** The claims that should be, and those of our names that should not. */
export interface ClaimDecision {
  wanted: readonly Claim[];
  surplus: readonly ClusterClaim[];
}

export function decide({ releases, claims }: ClaimPicture): ClaimDecision {
  const wanted = formatKernelClaims(releases.filter((release) => release !== ''));
  const surplus = claims.filter(
    ({ metadata }) =>
      kernelClaimNames.includes(metadata.name) &&
      metadata.deletionTimestamp === undefined &&
      !wanted.some(({ name }) => name === metadata.name),
  );
  return { wanted, surplus };
}
