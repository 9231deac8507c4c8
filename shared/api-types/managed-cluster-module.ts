import { z } from 'zod';
import { defaulted, labelMap, list, object, text, word } from './fields.ts';
import { managedClusterModuleStatusSchema } from './managed-cluster-module-status.ts';
import { typeMeta } from './meta.ts';
import { moduleSpecSchema } from './module.ts';
import { rolloutSchema } from './rollout.ts';

export const upcomingKernelSchema = object('A kernel that nodes will boot.', {
  kernelVersion: word('The kernel version, without a trailing `+`.', 64).min(1),
  selector: labelMap(
    'Labels of the ManagedClusters that will boot it, all of them. Empty: all selected clusters.',
  ).optional(),
});
export type UpcomingKernel = z.infer<typeof upcomingKernelSchema>;

export const managedClusterModuleSpecSchema = object('What is deployed, and to which clusters.', {
  selector: labelMap('Labels that a ManagedCluster must have, all of them, to get the module. Empty: all clusters.'),
  spokeNamespace: text(
    'Namespace of the Module on the clusters. It must exist there, with the pull secret and service accounts that the module names.',
    63,
  ).meta({
    'x-kubernetes-validations': [
      {
        rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        message: 'spokeNamespace: expected the name of a namespace: use lower-case letters, digits and -',
      },
      {
        rule: 'self == oldSelf',
        message: 'spokeNamespace: expected to stay as it is: delete the object and make it anew to move the module',
      },
    ],
  }),
  moduleSpec: moduleSpecSchema
    .describe(
      'The Module that the clusters get. Builds and signatures are made on the hub, with the secrets and ConfigMaps of the operator namespace there.',
    )
    .optional(),
  rollout: rolloutSchema.optional(),
  upcomingKernels: list(
    upcomingKernelSchema,
    'Kernels that nodes do not run yet: their images are checked, built, signed and shipped beforehand.',
    { max: 64 },
  ).optional(),
  imageCheck: defaulted(
    z
      .enum(['Required', 'Skip'])
      .describe(
        'Required: an image is shipped once the registry is seen to have it, by digest. Skip: it is shipped as named, for registries that the hub cannot reach.',
      ),
    'Required',
  ),
  deletionPolicy: defaulted(
    z
      .enum(['Delete', 'Orphan'])
      .describe(
        'What becomes of the Modules on the clusters when this object is deleted. Delete: they go, and the kernel module is unloaded. Orphan: they stay, and it stays loaded; the object goes once every cluster has confirmed.',
      ),
    'Delete',
  ),
});
export type ManagedClusterModuleSpec = z.infer<typeof managedClusterModuleSpecSchema>;

export const managedClusterModuleSchema = z
  .object({
    ...typeMeta,
    spec: managedClusterModuleSpecSchema,
    status: managedClusterModuleStatusSchema.optional(),
  })
  .describe('A kernel module for the nodes of many clusters.');
export type ManagedClusterModule = z.infer<typeof managedClusterModuleSchema>;
