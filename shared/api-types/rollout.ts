import { z } from 'zod';
import { durationPattern } from './duration.ts';
import { defaulted, flag, intOrString, labelMap, list, object, text } from './fields.ts';

const numberOrPercent = /^((100|[0-9]{1,2})%|[0-9]{1,9})$/;

export const rolloutGroupSchema = object('A group of clusters.', {
  name: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .describe('Name of the group, shown in the status.'),
  selector: labelMap('Labels that a ManagedCluster must have, all of them. The first group that fits has the cluster.'),
});
export type RolloutGroup = z.infer<typeof rolloutGroupSchema>;

export const rolloutSchema = object('In which order, and how many at a time, clusters get a new state.', {
  type: defaulted(
    z
      .enum(['All', 'Progressive', 'ProgressivePerGroup'])
      .describe(
        'All: every cluster at once; failures stop nobody. Progressive: at most maxConcurrency at a time, group by group in order. ProgressivePerGroup: the same, and maxFailures counts within each group.',
      ),
    'All',
  ),
  maxConcurrency: intOrString(
    'Clusters that may be on their way at the same time: a number, or a percentage of the selected ones, rounded up, at least 1. Not for All; a whole group when left out.',
    numberOrPercent,
  ).optional(),
  maxFailures: intOrString(
    'Failed clusters after which no further one is started: a number, or a percentage, rounded down; 0 when left out. With ProgressivePerGroup it counts per group.',
    numberOrPercent,
  ).optional(),
  minSuccessTime: text(
    'How long a cluster must be well, without a break, before it counts as succeeded: such as 5m or 1h30m. 0 when left out.',
    32,
  )
    .regex(durationPattern)
    .optional(),
  progressDeadline: text(
    'Time after which a cluster that has not succeeded counts as failed, such as 30m; None (or left out): never.',
    32,
  )
    .regex(/^(None|0|([0-9]{1,9}[hms])+)$/)
    .optional(),
  groups: list(
    rolloutGroupSchema,
    'Groups in the order in which they are served; the first is the canary. Clusters that no group selects come last.',
    { max: 32, keys: ['name'] },
  ).optional(),
  paused: flag('Whether no further cluster is started. Those on their way go on.').optional(),
});
export type Rollout = z.infer<typeof rolloutSchema>;
