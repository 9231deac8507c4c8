import type { z } from 'zod';
import { bounds, flag, labelMap, list, object, text } from './fields.ts';
import { localObjectReference } from './meta.ts';

/** How images come to be: registry access, in-cluster build, signature. */

export function tlsOptions(description: string) {
  return object(description, {
    insecure: flag(
      'Whether plain HTTP is allowed. Credentials are then not sent unless their Secret allows it.',
    ).optional(),
    insecureSkipTLSVerify: flag(
      'Whether any certificate is taken. Credentials are then not sent unless their Secret allows it.',
    ).optional(),
  });
}
export const tlsOptionsSchema = tlsOptions('How a registry is spoken to.');
export type TlsOptions = z.infer<typeof tlsOptionsSchema>;

export const buildSchema = object('How the image is built in the cluster when the registry has it not.', {
  dockerfileConfigMap: localObjectReference(
    'ConfigMap whose key `dockerfile` holds the Dockerfile: in the namespace of the Module, on the hub in that of the operator.',
  ),
  buildArgs: list(
    object('A build argument.', {
      name: text('Name of the argument.'),
      value: text('Its value.'),
    }),
    'Build arguments. KERNEL_VERSION, KERNEL_FULL_VERSION, MOD_NAME and MOD_NAMESPACE are always set and win over these.',
    { max: bounds.argumentsMax },
  ).optional(),
  secrets: list(
    localObjectReference('A Secret of the same namespace.'),
    'Secrets that the build finds at /run/secrets/<name>.',
    { max: 32 },
  ).optional(),
  baseImageRegistryTLS: tlsOptions('How the registries of the images in FROM lines are spoken to.').optional(),
  selector: labelMap('Labels of the nodes that the build may run on; those of the module when left out.').optional(),
  kanikoParams: object('Parameters for kaniko; accepted and unused, because no build uses kaniko.', {
    tag: text('Tag of the kaniko image.').optional(),
  }).optional(),
});
export type BuildSpec = z.infer<typeof buildSchema>;

export const signSchema = object('How kernel modules in the image are signed when the registry has no signed one.', {
  keySecret: localObjectReference('Secret whose key `key` holds the private key (PEM).'),
  certSecret: localObjectReference('Secret whose key `cert` holds the public certificate (DER).'),
  filesToSign: list(
    text('A path under dirName, or a pattern with * and ?. Kernel variables are replaced.'),
    'The files to sign. At least one is needed.',
    { max: bounds.filesToSignMax },
  ).optional(),
  unsignedImage: text(
    'The image to sign; not needed with a build, whose result is signed. Kernel variables are replaced.',
  ).optional(),
  unsignedImageRegistryTLS: tlsOptions('How the registry of unsignedImage is spoken to.').optional(),
});
export type SignSpec = z.infer<typeof signSchema>;
