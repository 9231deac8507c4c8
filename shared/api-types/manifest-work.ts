import { z } from 'zod';
import { integer, list, object, text } from './fields.ts';
import { ocmConditions } from './managed-cluster.ts';
import { typeMeta } from './meta.ts';

/** Open Cluster Management's ManifestWork and AppliedManifestWork, as far as the programs and the world use them. */

const manifestSchema = z.record(z.string(), z.unknown()).meta({
  description: 'The object, whole.',
  'x-kubernetes-embedded-resource': true,
  'x-kubernetes-preserve-unknown-fields': true,
});
/** An object of any kind, whole. Whoever reads one parses it with the schema of its kind. */
export type Manifest = z.infer<typeof manifestSchema>;

const jsonPathSchema = object('A value to report.', {
  name: text('Name of the value.', 253),
  path: text('Where it stands, such as .status.availableNumber.'),
  version: text('Version of the kind that the path is meant for.', 64).optional(),
});

const manifestConfigSchema = object('Options of one object.', {
  resourceIdentifier: object('Which object.', {
    group: text('Its API group.', 253).optional(),
    resource: text('Its plural.', 253),
    name: text('Its name.', 253),
    namespace: text('Its namespace.', 253).optional(),
  }),
  feedbackRules: list(
    object('What is reported of it.', {
      type: z.enum(['WellKnownStatus', 'JSONPaths']).describe('Values that the agent knows, or paths.'),
      jsonPaths: list(jsonPathSchema, 'The paths.', { keys: ['name'] }).optional(),
    }),
    'What is reported of it.',
  ).optional(),
  updateStrategy: object('How it is written.', {
    type: z
      .enum(['Update', 'CreateOnly', 'ServerSideApply', 'ReadOnly'])
      .describe('How it is written.')
      .meta({ default: 'Update' }),
  }).optional(),
});

export const manifestWorkSpecSchema = object('The objects and their options.', {
  workload: object('The objects.', {
    manifests: list(manifestSchema, 'The objects.', { max: 1024 }).optional(),
  }).optional(),
  deleteOption: object('What becomes of the objects when the work goes.', {
    propagationPolicy: z
      .enum(['Foreground', 'Orphan', 'SelectivelyOrphan'])
      .describe('Foreground: they go. Orphan: they stay.')
      .meta({ default: 'Foreground' })
      .optional(),
  }).optional(),
  manifestConfigs: list(manifestConfigSchema, 'Options of single objects.', { max: 1024 }).optional(),
});
export type ManifestWorkSpec = z.infer<typeof manifestWorkSpecSchema>;

export const resourceMetaSchema = object('Which object of the work.', {
  ordinal: integer('Its place in the list.', 'int32'),
  group: text('Its API group.', 253).optional(),
  version: text('Its version.', 253).optional(),
  kind: text('Its kind.', 253).optional(),
  resource: text('Its plural.', 253).optional(),
  name: text('Its name.', 253).optional(),
  namespace: text('Its namespace.', 253).optional(),
});

const fieldValueSchema = object('The value.', {
  type: z.enum(['Integer', 'String', 'Boolean', 'JsonRaw']).describe('Which of the fields holds it.'),
  integer: integer('A whole number.', 'int64').optional(),
  string: z.string().describe('A text of any length.').optional(),
  boolean: z.boolean().describe('True or false.').optional(),
  jsonRaw: text('Anything else, as JSON.').optional(),
});
export const feedbackValueSchema = object('A reported value.', {
  name: text('Name of the value.', 253),
  fieldValue: fieldValueSchema,
});
export type FeedbackValue = z.infer<typeof feedbackValueSchema>;

export const manifestStatusSchema = object('What became of one object.', {
  resourceMeta: resourceMetaSchema,
  conditions: ocmConditions(),
  statusFeedback: object('What was reported of it.', {
    values: list(feedbackValueSchema, 'The values.', { keys: ['name'], max: 1024 }).optional(),
  }).optional(),
});
export type ManifestStatus = z.infer<typeof manifestStatusSchema>;

export const manifestWorkSchema = z
  .object({
    ...typeMeta,
    spec: manifestWorkSpecSchema,
    status: object('What became of it.', {
      conditions: ocmConditions().optional(),
      resourceStatus: object('What became of the objects.', {
        manifests: list(manifestStatusSchema, 'One entry an object.', { max: 1024 }).optional(),
      }).optional(),
    }).optional(),
  })
  .describe('Objects that the hub wants on one cluster.');
export type ManifestWork = z.infer<typeof manifestWorkSchema>;

const appliedResourceSchema = object('An object that the agent applied.', {
  group: text('Its API group.', 253).optional(),
  version: text('Its version.', 253),
  resource: text('Its plural.', 253),
  name: text('Its name.', 253),
  namespace: text('Its namespace.', 253).optional(),
  uid: text('Its uid.', 64).optional(),
});
export type AppliedResource = z.infer<typeof appliedResourceSchema>;

export const appliedManifestWorkSchema = z
  .object({
    ...typeMeta,
    spec: object('Whose objects these are.', {
      hubHash: text('Which hub.'),
      manifestWorkName: text('Which work.', 253),
      agentID: text('Which agent.').optional(),
    }),
    status: object('What was applied.', {
      appliedResources: list(appliedResourceSchema, 'The objects.', { max: 1024 }).optional(),
      evictionStartTime: text('Since when the work is not seen on the hub.', 64)
        .meta({ format: 'date-time' })
        .optional(),
    }).optional(),
  })
  .describe('On the cluster: the owner of the objects of one ManifestWork.');
export type AppliedManifestWork = z.infer<typeof appliedManifestWorkSchema>;
