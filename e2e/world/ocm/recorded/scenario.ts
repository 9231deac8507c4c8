import type { ManifestWork, Module } from '@open-cluster-management/api-types';

/** A recording of the real work agent, reduced to what was done and what could be seen of it (`distil.ts`). */
export interface Scenario {
  scenario: string;
  agent: string;
  /** Whether the spoke has the namespace of the Modules from the start. */
  hasNamespace: boolean;
  steps: Step[];
}

export interface Step {
  act: string;
  do: Action[];
  /** How long the recording went on after the last thing that was seen in this step. */
  quietSeconds: number;
  /** Facet → its values in the order in which they were seen; only facets that changed. */
  seen: Record<string, unknown[]>;
}

export type Action =
  | { kind: 'createNamespace' }
  | { kind: 'createWork'; name: string; spec: ManifestWork['spec'] }
  | { kind: 'changeWork'; name: string; spec: ManifestWork['spec'] }
  | { kind: 'deleteWork'; name: string }
  /** The hub waits until the agent has applied what the work says now (contract 6). */
  | { kind: 'awaitApplied'; name: string }
  | { kind: 'patchModule'; name: string; patch: unknown }
  | { kind: 'changeModule'; name: string; spec: Module['spec'] }
  | { kind: 'writeModuleStatus'; name: string; patch: unknown };

export const moduleNamespace = 'kmm-spoke';
export const clusterName = 'cluster1';
