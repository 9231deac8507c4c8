import { z } from 'zod';
import { bounds, defaulted, flag, integer, list, map, object, quantity, type Rule, text } from './fields.ts';

/** Kubernetes' own types as they are embedded in a Module: complete, so that nothing valid is pruned. */

const qualifiedName =
  "'^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$'";
const labelValue = "'^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$'";

const tolerationRules: readonly Rule[] = [
  {
    rule: `!has(self.key) || self.key == '' || self.key.matches(${qualifiedName})`,
    message: 'key: expected a label name such as example.com/dedicated; correct it or leave it out',
  },
  {
    rule: "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
    message: 'operator: expected Exists when no key is given; set operator to Exists or name a key',
  },
  {
    rule: "!has(self.operator) || self.operator in ['', 'Exists', 'Equal']",
    message: 'operator: expected Exists or Equal; use one of them',
  },
  {
    rule: "!has(self.effect) || self.effect in ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']",
    message:
      'effect: expected NoSchedule, PreferNoSchedule or NoExecute; use one of them, or leave it out to match all',
  },
  {
    rule: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
    message: 'tolerationSeconds: expected only with effect NoExecute; set the effect or leave the seconds out',
  },
  {
    rule: "!(has(self.operator) && self.operator == 'Exists') || !has(self.value) || self.value == ''",
    message: 'value: expected none with operator Exists; leave it out or use operator Equal',
  },
  {
    rule: `(has(self.operator) && self.operator == 'Exists') || !has(self.value) || self.value.matches(${labelValue})`,
    message: 'value: expected a label value of at most 63 letters, digits, - _ or . ; correct it',
  },
];

export const tolerationSchema = object(
  'A taint that the pods of this module put up with.',
  {
    key: text('Name of the taint; empty, with operator Exists, means all taints.', 317).optional(),
    operator: text('How key and value are compared: Equal (the default) or Exists, for any value.', 64).optional(),
    value: text("The taint's value, for operator Equal.", 253).optional(),
    effect: text('NoSchedule, PreferNoSchedule or NoExecute; empty means all of them.', 64).optional(),
    tolerationSeconds: integer('How long a NoExecute taint is put up with; without it for ever.', 'int64').optional(),
  },
  tolerationRules,
);
export type Toleration = z.infer<typeof tolerationSchema>;

const keySelector = (of: string) =>
  z.object({
    key: text(`Key in the ${of}.`, 253),
    name: defaulted(text(`Name of the ${of}.`, 253), ''),
    optional: flag(`Whether the container starts although the ${of} or its key is missing.`).optional(),
  });

export const fieldRefSchema = z
  .object({
    apiVersion: text('API version of the path; v1 when left out.', 64).optional(),
    fieldPath: text("Path in the pod, such as metadata.annotations['a'] or spec.nodeName."),
  })
  .meta({ description: 'A field of the pod.', 'x-kubernetes-map-type': 'atomic' });

export const resourceFieldRefSchema = z
  .object({
    containerName: text('Container whose resources are meant; in environment variables its own.', 253).optional(),
    divisor: quantity('Unit in which the value is given; 1 when left out.').optional(),
    resource: text('Which resource, such as limits.cpu.', 253),
  })
  .meta({ description: 'A resource request or limit of a container.', 'x-kubernetes-map-type': 'atomic' });

const atomic = { 'x-kubernetes-map-type': 'atomic' };

export const envVarSchema = object('An environment variable.', {
  name: text('Name of the variable.'),
  value: text('Its value; $(OTHER) stands for an earlier variable.', 32_768).optional(),
  valueFrom: object('Where the value comes from instead.', {
    configMapKeyRef: keySelector('ConfigMap')
      .meta({ description: 'A key of a ConfigMap.', ...atomic })
      .optional(),
    secretKeyRef: keySelector('Secret')
      .meta({ description: 'A key of a Secret.', ...atomic })
      .optional(),
    fieldRef: fieldRefSchema.optional(),
    resourceFieldRef: resourceFieldRefSchema.optional(),
    fileKeyRef: z
      .object({
        key: text('Name of the variable in the file.', 253),
        optional: defaulted(flag('Whether the container starts although file or key is missing.'), false),
        path: text('Path of the file in the volume.'),
        volumeName: text('Volume that holds the file.', 253),
      })
      .meta({ description: 'A variable in an env file of a volume.', ...atomic })
      .optional(),
  }).optional(),
});
export type EnvVar = z.infer<typeof envVarSchema>;

export const resourceListSchema = (description: string) =>
  map(quantity('An amount, such as 500m or 64Mi.'), description);

export const resourceRequirementsSchema = object('What the container gets of the node.', {
  limits: resourceListSchema('The most that it may use.').optional(),
  requests: resourceListSchema('What is set aside for it; the limits when left out.').optional(),
  claims: list(
    object('A claim of the pod.', {
      name: text('Name of the claim in the pod.', 253),
      request: text('One request of that claim; all when left out.', 253).optional(),
    }),
    'Resource claims of the pod that the container uses.',
    { keys: ['name'], max: 32 },
  ).optional(),
});
export type ResourceRequirements = z.infer<typeof resourceRequirementsSchema>;

export const volumeMountSchema = object('Where a volume appears in the container.', {
  name: text('Name of the volume.', 253),
  mountPath: text('Path in the container.'),
  readOnly: flag('Whether it can only be read there.').optional(),
  recursiveReadOnly: text('Disabled, IfPossible or Enabled: whether mounts below it are read-only too.', 64).optional(),
  mountPropagation: text('None, HostToContainer or Bidirectional: whether later mounts are seen.', 64).optional(),
  subPath: text('Path in the volume that is mounted instead of its root.').optional(),
  subPathExpr: text('The same, with $(VARIABLE) replaced from the environment.').optional(),
});
export type VolumeMount = z.infer<typeof volumeMountSchema>;

export const labelSelectorSchema = z
  .object({
    matchLabels: map(text('The value.'), 'Labels that must be equal.').optional(),
    matchExpressions: list(
      object('A condition on one label.', {
        key: text('Name of the label.', 317),
        operator: text('In, NotIn, Exists or DoesNotExist.', 64),
        values: list(text('A value.'), 'Values for In and NotIn.').optional(),
      }),
      'Conditions that must all hold.',
      { max: bounds.labelsMax },
    ).optional(),
  })
  .meta({ description: 'A selector by labels.', ...atomic });
