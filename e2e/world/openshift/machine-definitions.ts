import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import type { Definition } from '../api-server/definitions.ts';
import { customDefinition, type Schema } from './custom-definition.ts';

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

export type MachineConfigPool = KubeObject & {
  readonly spec: { readonly machineConfigSelector: Selector; readonly nodeSelector: Selector };
};
export type MachineConfig = KubeObject & { readonly spec: { readonly kernelArguments?: readonly string[] } };

const group = 'machineconfiguration.openshift.io';
export const machineConfigPools = resource<MachineConfigPool>(
  group,
  'v1',
  'MachineConfigPool',
  'machineconfigpools',
  false,
);
export const machineConfigs = resource<MachineConfig>(group, 'v1', 'MachineConfig', 'machineconfigs', false);

const text: Schema = { type: 'string' };
const texts: Schema = { type: 'array', items: text };
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const expression: Schema = {
  type: 'object',
  required: ['key', 'operator'],
  properties: { key: text, operator: text, values: texts },
};
const selector: Schema = {
  type: 'object',
  properties: {
    matchLabels: { type: 'object', additionalProperties: text },
    matchExpressions: { type: 'array', items: expression },
  },
};
const poolSpec: Schema = {
  type: 'object',
  properties: {
    machineConfigSelector: selector,
    nodeSelector: selector,
    paused: { type: 'boolean' },
    maxUnavailable: { 'x-kubernetes-int-or-string': true },
    configuration: open,
  },
};
const configSpec: Schema = {
  type: 'object',
  properties: {
    config: open,
    kernelArguments: texts,
    kernelType: text,
    extensions: texts,
    fips: { type: 'boolean' },
    osImageURL: text,
  },
};

/** Stands for the kinds of OpenShift's Machine Config Operator, as far as we know them: what is unknown here is dropped. */
export function machineDefinitions(): Definition[] {
  return [
    customDefinition(machineConfigPools, { spec: poolSpec, status: open }),
    customDefinition(machineConfigs, { spec: configSpec }),
  ];
}
