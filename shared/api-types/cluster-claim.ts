import { z } from 'zod';
import { object } from './fields.ts';
import { typeMeta } from './meta.ts';

/** Open Cluster Management's ClusterClaim, on the spoke. */
export const clusterClaimSchema = z
  .object({
    ...typeMeta,
    spec: object('The claim.', {
      value: z.string().min(1).max(1024).describe('The value, copied to the status of the ManagedCluster.').optional(),
    }),
  })
  .describe('A fact that a cluster tells its hub.');
export type ClusterClaim = z.infer<typeof clusterClaimSchema>;
