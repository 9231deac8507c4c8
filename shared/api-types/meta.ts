import { z } from 'zod';
import { bounds, integer, object, text } from './fields.ts';

const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});

/** Kubernetes' own ObjectMeta, as far as the programs look at it. The API server checks it, so nothing is bounded here. */
export const objectMetaSchema = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  generateName: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(ownerReferenceSchema).optional(),
});
export type ObjectMeta = z.infer<typeof objectMetaSchema>;

/** What every object has beside its own fields. */
export const typeMeta = { apiVersion: z.string(), kind: z.string(), metadata: objectMetaSchema };

/** metav1.Condition, with Kubernetes' own bounds but for the message. */
export function conditionSchema(messageCharsMax = 32_768) {
  return object('One thing that was observed, and since when.', {
    type: z
      .string()
      .max(316)
      .regex(
        /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
      )
      .describe('What this condition is about.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .describe('Why, in one word for programs.'),
    message: text('Why, in a sentence for people.', messageCharsMax),
    lastTransitionTime: z.string().max(64).meta({
      format: 'date-time',
      description: 'When the status last changed from one value to another.',
    }),
    observedGeneration: z
      .int()
      .min(0)
      .meta({ format: 'int64', description: 'The generation of the object that this was seen at.' })
      .optional(),
  });
}

/** The conditions of our own kinds. */
export function conditionList(description: string) {
  return z
    .array(conditionSchema(bounds.stringCharsMax))
    .max(bounds.conditionsMax)
    .meta({ description, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
}

/** `status.observedGeneration` of our own kinds. */
export function observedGeneration() {
  return integer('The generation of the spec that this status was computed from.', 'int64');
}

export const localObjectReferenceSchema = z.object({
  name: text('Name of the object in the same namespace.', 253).meta({ default: '' }).optional(),
});
export type LocalObjectReference = z.infer<typeof localObjectReferenceSchema>;

/** A reference by name, with what it is for. */
export function localObjectReference(description: string) {
  return localObjectReferenceSchema.meta({ description, 'x-kubernetes-map-type': 'atomic' });
}
