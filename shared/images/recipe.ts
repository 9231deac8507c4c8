import type { BuildSpec, ModuleLoaderContainer, SignSpec, TlsOptions } from '@open-cluster-management/api-types';
import { architectureOf } from '../kernel/architecture.ts';
import type { ResolvedMapping } from '../kernel/mapping.ts';
import { substitute, templateVariables } from '../kernel/template.ts';
import { formatReference, parseReference } from '../registry/reference.ts';
import type { RegistryTls } from '../registry/session.ts';
import { mergedBuild, mergedSign } from './merged-source.ts';
import { unsignedImageOf } from './unsigned-image.ts';

/** The folder of the image that modprobe gets as `-d` when the Module names none: the CRD's default. */
const dirNameDefault = '/opt';

export interface BuildArgument {
  name: string;
  value: string;
}

export interface BuildRecipe {
  /** Where the build pushes: the image itself, or with `sign` the temporary one, never the final name (trap T9). */
  image: string;
  /** Has the key `dockerfile`. */
  dockerfileConfigMap: string;
  /** Each name once. */
  args: BuildArgument[];
  /** Names, each once: at `/run/secrets/<name>` while RUN lines run. */
  secrets: string[];
  baseImageRegistryTLS: RegistryTls;
  /** Labels of the nodes that it may run on; undefined: it names none. */
  selector?: Record<string, string>;
}

export interface SignRecipe {
  keySecret: string;
  certSecret: string;
  /** Paths or patterns under `dirName`, variables substituted. */
  filesToSign: string[];
  /** With a build, what that pushes. */
  unsignedImage: string;
  unsignedImageRegistryTLS: RegistryTls;
}

/** All that making one image needs, as plain data: equal recipes with equal inputs make equal images. */
export interface ImageRecipe {
  /** The final name, with a tag. */
  image: string;
  registryTLS: RegistryTls;
  /** In the namespace of the Job: logs in for the image, for FROM images and for the unsigned image (checklist 213). */
  imageRepoSecret?: string;
  /** Without trailing `+`. */
  kernel: string;
  /** As in `kubernetes.io/arch`, where the kernel's release names it. */
  architecture?: string;
  dirName: string;
  /** Undefined with `rawArgs`. */
  moduleName?: string;
  build?: BuildRecipe;
  sign?: SignRecipe;
}

export type RecipeResult =
  /** An image that others make. */
  { kind: 'none' } | { kind: 'recipe'; recipe: ImageRecipe } | { kind: 'error'; message: string };

export interface RecipeQuestion {
  container: ModuleLoaderContainer;
  mapping: ResolvedMapping;
  /** What the image is of; `namespace` is where the module is used, on the hub `spokeNamespace` (trap T5). */
  identity: { name: string; namespace: string };
  imageRepoSecret?: string | undefined;
  /** Where the image is made: on the hub the operator's namespace, else the Module's. Part of the temporary name. */
  operatorNamespace: string;
}

/**
 * What makes the image of one kernel, by the container's and the mapping's `build` and `sign` (facts (c) 9 and 10). An
 * error names the field, concerns this mapping only, and is known before anything is made (checklist 221).
 */
export function recipeOf(question: RecipeQuestion): RecipeResult {
  const { container, mapping } = question;
  const own = container.kernelMappings[mapping.index];
  const build = mergedBuild(container.build, own?.build);
  const sign = mergedSign(container.sign, own?.sign);
  if (build === undefined && sign === undefined) return { kind: 'none' };
  try {
    return { kind: 'recipe', recipe: composed(question, build, sign) };
  } catch (error) {
    if (error instanceof RecipeError) return { kind: 'error', message: error.message };
    throw error;
  }
}

class RecipeError extends Error {}

function composed(question: RecipeQuestion, build?: BuildSpec, sign?: SignSpec): ImageRecipe {
  const { container, mapping, identity, imageRepoSecret, operatorNamespace } = question;
  const { containerImage: image, kernelVersion: kernel, registryTLS } = mapping;
  const { dirName = dirNameDefault, moduleName } = container.modprobe;
  checkTag('containerImage', image);
  const target = build && sign ? temporary(image, { namespace: operatorNamespace, name: identity.name }) : image;
  const architecture = architectureOf(kernel);
  return {
    image,
    registryTLS,
    kernel,
    dirName,
    ...(moduleName && { moduleName }),
    ...(architecture !== undefined && { architecture }),
    ...(imageRepoSecret && { imageRepoSecret: secretName('imageRepoSecret', imageRepoSecret) }),
    ...(build && { build: buildRecipe(build, target, alwaysSet(kernel, identity)) }),
    ...(sign && { sign: signRecipe(sign, { image, kernel, dirName, built: build && { image: target, registryTLS } }) }),
  };
}

/** They win over what users say (checklist 66). The kernel is as the node has it, but for a trailing `+`. */
function alwaysSet(kernel: string, identity: RecipeQuestion['identity']): BuildArgument[] {
  return [
    { name: 'KERNEL_VERSION', value: kernel },
    { name: 'KERNEL_FULL_VERSION', value: kernel },
    { name: 'MOD_NAME', value: identity.name },
    { name: 'MOD_NAMESPACE', value: identity.namespace },
  ];
}

function buildRecipe(build: BuildSpec, image: string, always: readonly BuildArgument[]): BuildRecipe {
  const args = new Map<string, string>();
  for (const { name, value } of [...(build.buildArgs ?? []), ...always]) {
    // What an ARG line of a Dockerfile can name. It also keeps `=` and a leading dash out of the builder's arguments.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) fail('build.buildArgs', `a name of letters, digits and _`, name);
    if (value.includes('\0')) fail('build.buildArgs', 'a value without NUL', `one of ${name} with NUL`);
    args.set(name, value);
  }
  const secrets = (build.secrets ?? []).map(({ name }) => secretName('build.secrets', name));
  return {
    image,
    dockerfileConfigMap: secretName('build.dockerfileConfigMap', build.dockerfileConfigMap.name),
    args: [...args].map(([name, value]) => ({ name, value })),
    secrets: [...new Set(secrets)],
    baseImageRegistryTLS: tlsOf(build.baseImageRegistryTLS),
    // An empty selector means all nodes, and is not the same as none.
    ...(build.selector && { selector: build.selector }),
  };
}

interface SignContext {
  image: string;
  kernel: string;
  dirName: string;
  built: { image: string; registryTLS: RegistryTls } | undefined;
}

function signRecipe(sign: SignSpec, { image, kernel, dirName, built }: SignContext): SignRecipe {
  const variables = templateVariables(kernel) ?? new Map<string, string>();
  const text = (field: string, template: string) => {
    const substituted = substitute(template, variables);
    if (substituted.kind === 'error') throw new RecipeError(`${field}: ${substituted.message}`);
    return substituted.text;
  };
  const filesToSign = (sign.filesToSign ?? []).map((file, index) => {
    const field = `sign.filesToSign[${index}]`;
    const path = text(field, file);
    const parts = path.split('/');
    const below = dirName === '/' ? path.startsWith('/') : path.startsWith(`${dirName.replace(/\/+$/, '')}/`);
    if (!below || parts.includes('..') || path.includes('\0')) fail(field, `a path under ${dirName}`, path);
    return path;
  });
  if (filesToSign.length === 0) fail('sign.filesToSign', 'at least one file', 'none');
  const unsignedImage = built?.image ?? text('sign.unsignedImage', sign.unsignedImage ?? '');
  const source = formatReference(checkReference('sign.unsignedImage', unsignedImage));
  // Else a sign that fails would leave an unsigned image under the name that counts as signed.
  if (source === formatReference(checkReference('containerImage', image))) {
    fail('sign.unsignedImage', 'another name than containerImage', unsignedImage);
  }
  return {
    keySecret: secretName('sign.keySecret', sign.keySecret.name),
    certSecret: secretName('sign.certSecret', sign.certSecret.name),
    filesToSign: [...new Set(filesToSign)],
    unsignedImage,
    unsignedImageRegistryTLS: built?.registryTLS ?? tlsOf(sign.unsignedImageRegistryTLS),
  };
}

/** What is pushed to needs a tag; content that a digest names cannot be made to order. */
function checkTag(field: string, image: string): void {
  const { digest } = checkReference(field, image);
  if (digest !== undefined) fail(field, 'a tag without a digest, because the image is to be made', image);
}

function checkReference(field: string, image: string) {
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') throw new RecipeError(`${field}: ${parsed.message}`);
  const { reference } = parsed;
  if (reference.tag === undefined && reference.digest === undefined) fail(field, 'an image with a tag', image);
  return reference;
}

function temporary(image: string, module: { namespace: string; name: string }): string {
  const result = unsignedImageOf(image, module);
  if (result.kind === 'error') throw new RecipeError(`containerImage: ${result.message}`);
  return result.image;
}

/** Also a path's part in the build: never `..`, and nothing that a mount option could be read from. */
function secretName(field: string, name: string | undefined): string {
  const valid = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(name ?? '');
  if (!name || name.length > 253 || !valid) fail(field, 'the name of an object', name ?? '');
  return name;
}

function tlsOf(tls: TlsOptions | undefined): RegistryTls {
  return { insecure: tls?.insecure ?? false, insecureSkipTLSVerify: tls?.insecureSkipTLSVerify ?? false };
}

function fail(field: string, expected: string, got: string): never {
  throw new RecipeError(`${field}: expected ${expected}, got ${JSON.stringify(got.slice(0, 200))}`);
}
