import { z } from 'zod';
import { bounds, integer, list, object, text } from './fields.ts';
import { conditionList, observedGeneration } from './meta.ts';

/** How many entries the lists of a ManagedClusterModule's status have at most; what is cut is counted beside the list. */
export const managedClusterModuleStatusBounds = {
  imagesMax: 64,
  clustersMax: 32,
  unmappedKernelsMax: 32,
  upcomingKernelsMax: 64,
  ignoredKernelsMax: 16,
  kernelMappingsMax: 256,
  /** Of one mapping; of all together, so that the object stays far below what etcd takes; and of what a mapping says. */
  mappingKernelsMax: 32,
  mappingKernelsInAllMax: 512,
  mappingTextCharsMax: 128,
  messageCharsMax: bounds.stringCharsMax,
} as const;
const max = managedClusterModuleStatusBounds;

const kernelVersion = () => text('The kernel version, without a trailing `+`.', bounds.pathCharsMax);
const reason = () => text('Why, in one word for programs.', 64);
const message = () => text('Why, in a sentence for people.');
const more = (what: string) =>
  integer(`How many further ${what} there are that the list has no room for.`, 'int32').optional();

export const imageStatusSchema = object('The image of one kernel.', {
  kernelVersion: kernelVersion(),
  image: text('The image as the spec names it for this kernel.'),
  digest: text('What the registry has under that name: this is shipped.', 128).optional(),
  state: z
    .enum(['Checking', 'Verified', 'Missing', 'Unknown', 'Unchecked', 'Building', 'Signing', 'Failed'])
    .describe(
      'How far it is. Missing: the registry has it not. Unknown: the registry did not say. Unchecked: imageCheck is Skip.',
    ),
  reason: reason().optional(),
  message: message().optional(),
  clusters: integer('How many clusters run this kernel, or will.', 'int32').optional(),
});
export type ImageStatus = z.infer<typeof imageStatusSchema>;

export const kernelMappingStatusSchema = object('What one mapping of the present spec serves.', {
  index: integer('Its place in kernelMappings, from 0 on.', 'int32'),
  literal: text('Its literal, shortened.', max.mappingTextCharsMax).optional(),
  regexp: text('Its regexp, shortened.', max.mappingTextCharsMax).optional(),
  clusters: integer(
    'How many selected clusters run, or have in their works, a kernel that it serves. 0: it matches none of their kernels, earlier mappings take them all, or no cluster was looked at yet.',
    'int32',
  ),
  kernels: list(kernelVersion(), 'The kernels of selected clusters that it serves, sorted.', {
    max: max.mappingKernelsMax,
  }).optional(),
  moreKernels: more('kernels'),
});
export type KernelMappingStatus = z.infer<typeof kernelMappingStatusSchema>;

export const rolloutStatusSchema = object('How far the present revision is.', {
  revision: text('The revision of moduleSpec that is rolled out: the name of a ControllerRevision.', 253).optional(),
  phase: z
    .enum(['Progressing', 'Paused', 'Stopped', 'Complete'])
    .describe('Stopped: too many clusters failed, or all that is left has; nothing goes on by itself.')
    .optional(),
  group: text('The group that is being served.', 63).optional(),
  message: text('What a rollout in waves waits for, or why it does not go on.').optional(),
  selected: integer('Clusters that the selector admits.', 'int32').optional(),
  updated: integer('Clusters whose work holds the present revision.', 'int32').optional(),
  succeeded: integer('Clusters that have it and are well.', 'int32').optional(),
  progressing: integer('Clusters on their way.', 'int32').optional(),
  waiting: integer('Clusters that have not been started.', 'int32').optional(),
  failed: integer('Clusters where it failed.', 'int32').optional(),
  unreachable: integer(
    'Clusters that the hub cannot reach: they hold nobody up and count as neither.',
    'int32',
  ).optional(),
});
export type RolloutStatus = z.infer<typeof rolloutStatusSchema>;

export const clusterStatusSchema = object('A cluster that is not well yet.', {
  name: text('Name of the ManagedCluster.', 253),
  state: z.enum(['Failed', 'Unreachable', 'Waiting', 'Progressing']).describe('Where it stands.'),
  reason: reason(),
  message: message().optional(),
  reporting: z
    .enum(['Full', 'CountsOnly', 'NothingReported'])
    .describe('How much the spoke tells. CountsOnly: it is not ours and sends counts of nodes only.')
    .optional(),
});
export type ClusterStatus = z.infer<typeof clusterStatusSchema>;

export const unmappedKernelSchema = object('A kernel that no mapping matches.', {
  kernelVersion: kernelVersion(),
  clusters: integer('How many clusters run it.', 'int32'),
  exampleCluster: text('One of them.', 253).optional(),
});
export type UnmappedKernel = z.infer<typeof unmappedKernelSchema>;

export const upcomingKernelStatusSchema = object('A kernel that nodes will boot.', {
  kernelVersion: kernelVersion(),
  clusters: integer('How many clusters the spec says will boot it.', 'int32'),
  prepared: integer('How many of them would have the module on it: their works map it, to a verified image.', 'int32'),
  exampleCluster: text('One that would not.', 253).optional(),
  reason: reason().optional(),
  message: message().optional(),
});
export type UpcomingKernelStatus = z.infer<typeof upcomingKernelStatusSchema>;

export const ignoredKernelSchema = object('What a cluster claims to run and is not used.', {
  cluster: text('Name of the ManagedCluster.', 253),
  text: text('What it says, shortened, without control characters.', 128),
  reason: reason(),
});
export type IgnoredKernel = z.infer<typeof ignoredKernelSchema>;

export const managedClusterModuleStatusSchema = object('What was observed.', {
  observedGeneration: observedGeneration().optional(),
  conditions: conditionList(
    'Ready: every reachable cluster has the present revision and is well. ImagesReady, Progressing, Degraded and InventoryComplete say why not.',
  ).optional(),
  numberDesired: integer('ManifestWorks of this object.', 'int32').optional(),
  numberApplied: integer('ManifestWorks that were applied on their clusters.', 'int32').optional(),
  numberDegraded: integer('ManifestWorks that are degraded.', 'int32').optional(),
  rollout: rolloutStatusSchema.optional(),
  imageRebuildTriggerGeneration: integer(
    'The trigger value that was last acted upon: the one of the spec, once every image was checked again and, where it was missing, made again.',
  ).optional(),
  images: list(imageStatusSchema, 'The images that the selected clusters need, those in trouble first.', {
    max: max.imagesMax,
    keys: ['kernelVersion', 'image'],
  }).optional(),
  moreImages: more('images'),
  kernelMappings: list(
    kernelMappingStatusSchema,
    'Which mapping of the present spec serves which kernels, in its order.',
    {
      max: max.kernelMappingsMax,
      keys: ['index'],
    },
  ).optional(),
  clusters: list(clusterStatusSchema, 'Clusters that are not well yet, failed ones first.', {
    max: max.clustersMax,
    keys: ['name'],
  }).optional(),
  moreClusters: more('clusters'),
  unmappedKernels: list(unmappedKernelSchema, 'Kernels of selected clusters that no mapping matches.', {
    max: max.unmappedKernelsMax,
    keys: ['kernelVersion'],
  }).optional(),
  moreUnmappedKernels: more('kernels'),
  upcomingKernels: list(
    upcomingKernelStatusSchema,
    'The kernels of spec.upcomingKernels: which clusters would lose the module on them.',
    { max: max.upcomingKernelsMax, keys: ['kernelVersion'] },
  ).optional(),
  ignoredKernels: list(ignoredKernelSchema, 'Kernel versions in claims that are none, or are too many.', {
    max: max.ignoredKernelsMax,
  }).optional(),
  moreIgnoredKernels: more('texts'),
});
export type ManagedClusterModuleStatus = z.infer<typeof managedClusterModuleStatusSchema>;
