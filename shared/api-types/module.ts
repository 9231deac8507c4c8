import { z } from 'zod';
import { tolerationSchema } from './core-types.ts';
import { devicePluginSchema, draSchema } from './device-plugin.ts';
import { bounds, integer, labelMap, list, object, text } from './fields.ts';
import { conditionList, localObjectReference, observedGeneration, typeMeta } from './meta.ts';
import { moduleLoaderSchema } from './module-loader.ts';

export const moduleSpecSchema = object(
  'What is loaded, and on which nodes.',
  {
    selector: labelMap('Labels that a node must have, all of them, to be served. Empty: all nodes.'),
    moduleLoader: moduleLoaderSchema
      .describe(
        'How the kernel module is loaded. Left out: nothing is loaded, and the device plugin runs on all selected nodes.',
      )
      .optional(),
    devicePlugin: devicePluginSchema.optional(),
    dra: draSchema.optional(),
    imageRepoSecret: localObjectReference(
      'Pull secret of all images of this module. Builds push with it, and the existence of images is checked with it.',
    ).optional(),
    tolerations: list(
      tolerationSchema,
      'Taints that the pods of this module put up with. They also decide which tainted nodes are served.',
      { max: bounds.tolerationsMax },
    ).optional(),
    imageRebuildTriggerGeneration: integer(
      'Change it to any other number to have all images checked again, and built again where they are missing.',
    ).optional(),
  },
  [
    {
      rule: '!(has(self.dra) && has(self.devicePlugin))',
      message: 'expected at most one of dra and devicePlugin: leave one of them out',
    },
  ],
);
export type ModuleSpec = z.infer<typeof moduleSpecSchema>;

/** Counts of nodes; a zero may be left out. */
function nodeCounts(description: string) {
  return object(description, {
    nodesMatchingSelectorNumber: integer('Nodes that the selector and the tolerations admit.', 'int32').optional(),
    desiredNumber: integer('Nodes that should have it.', 'int32').optional(),
    availableNumber: integer('Nodes that have it.', 'int32').optional(),
  });
}
export const nodeCountsSchema = nodeCounts('Counts of nodes.');
export type NodeCounts = z.infer<typeof nodeCountsSchema>;

const kernelStatusSchema = object('What became of one kernel.', {
  kernelVersion: text('The kernel version, without a trailing `+`.', bounds.pathCharsMax),
  image: text('The image that serves it.').optional(),
  mapping: text('The literal or regexp of the mapping that was used.').optional(),
  desired: integer('Nodes of this kernel that should have the module.', 'int32'),
  loaded: integer('Nodes that have it as the present spec describes it.', 'int32'),
  failed: integer('Nodes where loading failed.', 'int32'),
  unreachable: integer('Nodes that are not Ready: nothing is known of them.', 'int32'),
});
export type ModuleKernelStatus = z.infer<typeof kernelStatusSchema>;

export const moduleStatusSchema = object('What was observed.', {
  observedGeneration: observedGeneration().optional(),
  conditions: conditionList('Whether the module is where it should be, and what is in the way.').optional(),
  moduleLoader: nodeCounts('Nodes and the kernel module.').optional(),
  devicePlugin: nodeCounts('Nodes and the device plugin.').optional(),
  dra: nodeCounts('Nodes and the DRA driver.').optional(),
  kernels: list(kernelStatusSchema, 'The kernels of the selected nodes, those with the most nodes first.', {
    max: 32,
    keys: ['kernelVersion'],
  }).optional(),
  imageRebuildTriggerGeneration: integer('The trigger value that was last acted upon.').optional(),
  observedState: z
    .string()
    .max(64)
    .describe('For the hub: the state of the work that this status was computed from.')
    .optional(),
  report: text('For the hub: a summary as compact JSON, at most 4,096 bytes.', 4096).optional(),
});
export type ModuleStatus = z.infer<typeof moduleStatusSchema>;

export const moduleSchema = z
  .object({ ...typeMeta, spec: moduleSpecSchema, status: moduleStatusSchema.optional() })
  .describe('A kernel module for the nodes of one cluster, and the device plugin or DRA driver that uses it.');
export type Module = z.infer<typeof moduleSchema>;
