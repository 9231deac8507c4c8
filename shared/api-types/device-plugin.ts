import { z } from 'zod';
import { envVarSchema, resourceRequirementsSchema, volumeMountSchema } from './core-types.ts';
import { bounds, flag, list, object, type Rule, text } from './fields.ts';
import { volumeSchema } from './volume.ts';

/** A container of a device plugin or DRA driver; its name is ours. */
export const devicePluginContainerSchema = object('The container. It runs privileged.', {
  image: text('The image.'),
  command: list(text('A word.', 32_768), 'Entry point instead of that of the image.').optional(),
  args: list(text('A word.', 32_768), 'Arguments of the entry point.').optional(),
  env: list(envVarSchema, 'Environment variables.').optional(),
  imagePullPolicy: text(
    'Always, Never or IfNotPresent; as Kubernetes decides by the tag when left out.',
    64,
  ).optional(),
  resources: resourceRequirementsSchema.optional(),
  volumeMounts: list(volumeMountSchema, 'Where volumes appear, beside those that are always there.').optional(),
});
export type DevicePluginContainer = z.infer<typeof devicePluginContainerSchema>;

const podFields = {
  container: devicePluginContainerSchema,
  initContainer: devicePluginContainerSchema.describe('A container that ends before the main one starts.').optional(),
  serviceAccountName: text(
    "Service account of the pods. When left out: the operator's own in its namespace, elsewhere `default`.",
    253,
  ).optional(),
  volumes: list(volumeSchema, 'Volumes, beside those that are always there.', { max: 64 }).optional(),
  automountServiceAccountToken: flag('False keeps the token of the service account out of the pods.').optional(),
};

const hostPathRule: Rule = {
  rule:
    '!has(self.volumes) || self.volumes.all(v, !has(v.hostPath) || ' +
    "(v.hostPath.path.matches('^/+([.]/+)*(dev|sys|var|opt|run)(/|$)') && !v.hostPath.path.matches('(^|/)[.][.](/|$)')))",
  message:
    'volumes[].hostPath: expected a path under /dev, /sys, /var, /opt or /run without `..`: use one of these folders',
};

export const devicePluginSchema = object('A device plugin that runs where the kernel module is loaded.', podFields, [
  hostPathRule,
]);
export type DevicePlugin = z.infer<typeof devicePluginSchema>;

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const deviceClassSchema = object('A DeviceClass that is kept as it is described here.', {
  name: z.string().max(253).regex(subdomain).describe('Name of the DeviceClass.'),
  selectors: list(
    object('A condition on devices.', {
      cel: object('A condition in CEL.', { expression: text('The expression.', 10_240) }).optional(),
    }),
    'Conditions that a device of the class meets.',
    { max: 32 },
  ).optional(),
  config: list(
    object('Configuration for the drivers.', {
      opaque: object('Configuration that only a driver understands.', {
        driver: text('Name of the driver.', 253),
        parameters: z.record(z.string(), z.unknown()).meta({
          description: 'An object of the driver’s own API.',
          'x-kubernetes-preserve-unknown-fields': true,
        }),
      }).optional(),
    }),
    'What drivers are told about devices of the class.',
    { max: 32 },
  ).optional(),
});
export type DeviceClass = z.infer<typeof deviceClassSchema>;

export const draSchema = object(
  'A DRA driver that runs where the kernel module is loaded.',
  {
    ...podFields,
    driverName: text('Name under which the driver registers with kubelet: a DNS subdomain.', 253),
    deviceClasses: list(deviceClassSchema, 'DeviceClasses that belong to the driver.', {
      max: bounds.tolerationsMax,
    }).optional(),
  },
  [
    hostPathRule,
    {
      rule: `self.driverName.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,
      message: 'driverName: expected a DNS subdomain such as gpu.example.com: use lower-case letters, digits, - and .',
    },
    {
      rule: '!has(self.deviceClasses) || self.deviceClasses.all(a, self.deviceClasses.exists_one(b, a.name == b.name))',
      message: 'deviceClasses: expected each name once: rename or remove the duplicate',
    },
  ],
);
export type Dra = z.infer<typeof draSchema>;
