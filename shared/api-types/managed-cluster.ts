import { z } from 'zod';
import { flag, integer, list, map, object, quantity, text } from './fields.ts';
import { conditionSchema, typeMeta } from './meta.ts';

const subjectName =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/;

export const statusClaimSchema = object('A claim as the registration agent copied it.', {
  name: z.string().min(1).max(253).describe('Name of the ClusterClaim.').optional(),
  value: z.string().min(1).max(1024).describe('Its value.').optional(),
});

/** Conditions of OCM's kinds: unlike ours, their messages may have 32,768 characters. */
export function ocmConditions() {
  return z.array(conditionSchema()).meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
    description: 'What was observed.',
  });
}

/** Open Cluster Management's ManagedCluster, as far as the programs and the world use it. */
export const managedClusterSchema = z
  .object({
    ...typeMeta,
    spec: object('Its registration.', {
      hubAcceptsClient: flag('Whether the hub accepts it.').optional(),
      leaseDurationSeconds: integer('How often it must renew its lease.', 'int32').meta({ default: 60 }).optional(),
      managedClusterClientConfigs: list(
        object('How the cluster is reached.', {
          url: text('URL of its API server.', 2048),
          caBundle: text('Certificate authority, base64.', 65_536).meta({ format: 'byte' }).optional(),
        }),
        'How the cluster is reached.',
      ).optional(),
      taints: list(
        object('A taint.', {
          key: z.string().max(316).regex(subjectName).describe('Name of the taint.'),
          value: text('Its value.').optional(),
          effect: z.enum(['NoSelect', 'PreferNoSelect', 'NoSelectIfNew']).describe('What it keeps away.'),
          timeAdded: text('Since when.', 64).nullable().meta({ format: 'date-time' }).optional(),
        }),
        'Taints for placements.',
      ).optional(),
    }).optional(),
    status: object('What is known of it.', {
      conditions: ocmConditions().optional(),
      clusterClaims: list(statusClaimSchema, 'Its claims.', { max: 1024 }).optional(),
      version: object('Versions.', { kubernetes: text('Version of Kubernetes.').optional() }).optional(),
      allocatable: map(quantity('An amount.'), 'What its nodes can give.', 1024).optional(),
      capacity: map(quantity('An amount.'), 'What its nodes have.', 1024).optional(),
    }).optional(),
  })
  .describe('A cluster that is registered with the hub.');
export type ManagedCluster = z.infer<typeof managedClusterSchema>;
