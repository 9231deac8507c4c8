import type { z } from 'zod';
import { bounds, list, object, type Rule, text, word } from './fields.ts';
import { buildSchema, signSchema, tlsOptions } from './image-source.ts';
import { modprobeSchema } from './modprobe.ts';

const imageDescription =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the variable of the API, not of JavaScript
  'The image, with tag or digest. Variables such as ${KERNEL_FULL_VERSION} are replaced by what each kernel has.';

const inTree = {
  inTreeModuleToRemove: word(
    'Deprecated: use inTreeModulesToRemove. One in-tree kernel module to unload first.',
  ).optional(),
  inTreeModulesToRemove: list(
    word('An in-tree kernel module, without `.ko`.'),
    'In-tree kernel modules that are unloaded before this one is loaded. They are not loaded again afterwards.',
    { max: bounds.moduleNamesMax },
  ).optional(),
};

const singular = (of: string) => `(has(${of}.inTreeModuleToRemove) && ${of}.inTreeModuleToRemove != '')`;
const plural = (of: string) => `(has(${of}.inTreeModulesToRemove) && ${of}.inTreeModulesToRemove.size() > 0)`;
const image = (of: string) => `(has(${of}.containerImage) && ${of}.containerImage != '')`;

const eitherInTreeForm: Rule = {
  rule: `!(${singular('self')} && ${plural('self')})`,
  message: 'expected inTreeModulesToRemove or inTreeModuleToRemove, got both: keep the list only',
};
const imageHasVersion: Rule = {
  rule: `!${image('self')} || self.containerImage.contains(':') || self.containerImage.contains('@')`,
  message: 'containerImage: expected a tag or a digest: add :tag or @sha256:digest',
};

export const kernelMappingSchema = object(
  'Which image serves which kernels. The first mapping of the list that matches is used.',
  {
    literal: text('The kernel version, exactly, without a trailing `+`.', bounds.pathCharsMax).optional(),
    regexp: text(
      'An RE2 expression that is searched in the kernel version; use ^ and $ to match the whole, and \\. for a dot.',
    ).optional(),
    containerImage: text(`${imageDescription} Empty: the image of the container.`).optional(),
    ...inTree,
    build: buildSchema.optional(),
    sign: signSchema.optional(),
    registryTLS: tlsOptions(
      'How the registry of containerImage is spoken to; replaces that of the container.',
    ).optional(),
  },
  [
    {
      rule: "(has(self.literal) && self.literal != '') != (has(self.regexp) && self.regexp != '')",
      message: 'expected exactly one of literal and regexp: set one and leave the other out',
    },
    imageHasVersion,
    eitherInTreeForm,
  ],
);
export type KernelMapping = z.infer<typeof kernelMappingSchema>;

const signedFiles = (of: string) =>
  `(has(${of}.sign.filesToSign) && ${of}.sign.filesToSign.size() > 0 && ${of}.sign.filesToSign.all(f, ` +
  "f.startsWith((has(self.modprobe.dirName) ? self.modprobe.dirName : '/opt') + '/')))";

const containerRules: readonly Rule[] = [
  imageHasVersion,
  eitherInTreeForm,
  {
    rule: `${image('self')} || self.kernelMappings.all(m, ${image('m')})`,
    message: 'expected an image for every mapping: set containerImage in each mapping or once beside kernelMappings',
  },
  {
    rule: `self.kernelMappings.all(m, !(${singular('self')} && ${plural('m')}) && !(${plural('self')} && ${singular('m')}))`,
    message: 'expected one form of in-tree removal throughout: use inTreeModulesToRemove here and in all mappings',
  },
  {
    rule: `!has(self.sign) || ${signedFiles('self')}`,
    message:
      'sign.filesToSign: expected at least one path, each under dirName: list the files as <dirName>/lib/modules/…',
  },
  {
    rule: `self.kernelMappings.all(m, !has(m.sign) || ${signedFiles('m')})`,
    message:
      'kernelMappings[].sign.filesToSign: expected at least one path, each under dirName: list the files as <dirName>/lib/modules/…',
  },
  {
    rule: "(has(self.version) && self.version != '') == (has(oldSelf.version) && oldSelf.version != '')",
    message:
      'version: expected to stay set or to stay unset: delete the object and make it anew to switch ordered upgrades on or off',
  },
];

export const moduleLoaderContainerSchema = object(
  'The images and how their kernel module is loaded.',
  {
    kernelMappings: list(
      kernelMappingSchema,
      'Which image for which kernel, in order; the first that matches is used.',
      {
        min: 1,
        max: bounds.kernelMappingsMax,
      },
    ),
    modprobe: modprobeSchema,
    containerImage: text(`${imageDescription} Used by mappings that name none.`).optional(),
    imagePullPolicy: text(
      'Always, Never or IfNotPresent; as Kubernetes decides by the tag when left out.',
      64,
    ).optional(),
    version: text(
      'Version of the kernel module. When set, a node gets it only while its label kmm.node.kubernetes.io/version-module.<namespace>.<name> has this value: an ordered upgrade.',
      63,
    ).optional(),
    ...inTree,
    build: buildSchema.optional(),
    sign: signSchema.optional(),
    registryTLS: tlsOptions('How the registry of containerImage is spoken to.').optional(),
  },
  containerRules,
);
export type ModuleLoaderContainer = z.infer<typeof moduleLoaderContainerSchema>;

export const moduleLoaderSchema = object('How the kernel module is loaded.', {
  container: moduleLoaderContainerSchema,
  serviceAccountName: text(
    "Service account of the loader pods. When left out: the operator's own in its namespace, elsewhere `default`.",
    253,
  ).optional(),
});
export type ModuleLoader = z.infer<typeof moduleLoaderSchema>;
