import type { z } from 'zod';
import { managedClusterModules, modules } from '../index.ts';
import { managedClusterModuleSchema, moduleSchema } from '../schemas.ts';

/** What a CustomResourceDefinition and a reference page say of a kind beside its schema. */
export interface CustomKind {
  resource: { group: string; version: string; kind: string; plural: string; namespaced: boolean };
  schema: z.ZodType;
  shortNames: readonly string[];
  columns: readonly PrinterColumn[];
  /** Whether the status has an endpoint of its own. */
  hasStatus: boolean;
}

interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  /** Columns above 0 are shown by `-o wide` only. */
  priority?: number;
}

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const ready: PrinterColumn = {
  name: 'Ready',
  type: 'string',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: 'Whether it is where it should be.',
};

export const moduleKind: CustomKind = {
  resource: modules,
  schema: moduleSchema,
  shortNames: ['kmod'],
  hasStatus: true,
  columns: [
    {
      name: 'Desired',
      type: 'integer',
      jsonPath: '.status.moduleLoader.desiredNumber',
      description: 'Nodes that should have it.',
    },
    {
      name: 'Loaded',
      type: 'integer',
      jsonPath: '.status.moduleLoader.availableNumber',
      description: 'Nodes that have it.',
    },
    ready,
    age,
  ],
};

export const managedClusterModuleKind: CustomKind = {
  resource: managedClusterModules,
  schema: managedClusterModuleSchema,
  shortNames: ['mcm'],
  hasStatus: true,
  columns: [
    {
      name: 'Clusters',
      type: 'integer',
      jsonPath: '.status.rollout.selected',
      description: 'Clusters that the selector admits.',
    },
    {
      name: 'Succeeded',
      type: 'integer',
      jsonPath: '.status.rollout.succeeded',
      description: 'Clusters that have the present revision and are well.',
    },
    { name: 'Failed', type: 'integer', jsonPath: '.status.rollout.failed', description: 'Clusters where it failed.' },
    ready,
    {
      name: 'Rollout',
      type: 'string',
      jsonPath: '.status.rollout.phase',
      description: 'How far the present revision is.',
      priority: 1,
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'Why it is not ready.',
      priority: 1,
    },
    age,
  ],
};

/** The kinds that are ours to install. */
export const ourKinds: readonly CustomKind[] = [moduleKind, managedClusterModuleKind];
