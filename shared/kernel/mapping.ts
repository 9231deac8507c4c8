import type { KernelMapping, ModuleLoaderContainer } from '@open-cluster-management/api-types';
import { compilePattern } from './pattern.ts';
import { type ModuleIdentity, substitute, templateVariables } from './template.ts';
import { withoutPlus } from './version.ts';

/** What a Module's loader container says for one kernel, all fallbacks and variables applied. */
export interface ResolvedMapping {
  /** Without trailing `+`. */
  kernelVersion: string;
  containerImage: string;
  inTreeModulesToRemove: string[];
  registryTLS: { insecure: boolean; insecureSkipTLSVerify: boolean };
  /** Which mapping of the list it was, for `build` and `sign`. */
  index: number;
}

/** An error concerns this kernel only: other kernels of the Module are served (checklist 12). */
export type MappingResult =
  | { kind: 'match'; mapping: ResolvedMapping }
  | { kind: 'none' }
  /** `reason`: where it is not the mapping that is wrong. */
  | { kind: 'error'; reason?: string; message: string };

/**
 * Finds what `container` says for `kernel` (a release, with or without `+`): the first mapping in list order whose
 * literal equals it or whose RE2 expression is found in it. The mapping's image, TLS options and in-tree list win over
 * the container's, whole and not merged. An expression that does not compile ends the search with an error, because
 * going on could pick an image that its author gave to other kernels.
 */
export function resolveMapping(
  container: ModuleLoaderContainer,
  kernel: string,
  identity: ModuleIdentity,
): MappingResult {
  const kernelVersion = withoutPlus(kernel);
  for (const [index, mapping] of container.kernelMappings.entries()) {
    const matched = matches(mapping, kernelVersion);
    if (matched === false) continue;
    if (matched !== true) return { kind: 'error', message: `kernelMappings[${index}].regexp: ${matched.message}` };
    return resolved({ container, kernelVersion, identity }, mapping, index);
  }
  return { kind: 'none' };
}

function matches(mapping: KernelMapping, kernelVersion: string): boolean | { message: string } {
  if (mapping.literal) return mapping.literal === kernelVersion;
  if (!mapping.regexp) return false;
  const pattern = compilePattern(mapping.regexp);
  return pattern.kind === 'invalid' ? { message: pattern.message } : pattern.matches(kernelVersion);
}

interface Question {
  container: ModuleLoaderContainer;
  kernelVersion: string;
  identity: ModuleIdentity;
}

function resolved(question: Question, mapping: KernelMapping, index: number): MappingResult {
  const { container, kernelVersion, identity } = question;
  const fail = (message: string): MappingResult => ({ kind: 'error', message: `kernelMappings[${index}]: ${message}` });
  const variables = templateVariables(kernelVersion, identity);
  if (variables === undefined) return fail(`expected a kernel version of at least three parts, got ${kernelVersion}`);
  const image = substitute(mapping.containerImage || container.containerImage || '', variables);
  if (image.kind === 'error') return fail(`containerImage: ${image.message}`);
  if (image.text === '') return fail('containerImage: expected an image here or at the container, got none');
  const tls = mapping.registryTLS ?? container.registryTLS;
  return {
    kind: 'match',
    mapping: {
      kernelVersion,
      containerImage: image.text,
      inTreeModulesToRemove: inTreeModules(mapping) ?? inTreeModules(container) ?? [],
      registryTLS: {
        insecure: tls?.insecure ?? false,
        insecureSkipTLSVerify: tls?.insecureSkipTLSVerify ?? false,
      },
      index,
    },
  };
}

/** The deprecated single name stands for a list of one and wins over a list of the same level; undefined: says nothing. */
function inTreeModules(
  level: Pick<KernelMapping, 'inTreeModuleToRemove' | 'inTreeModulesToRemove'>,
): string[] | undefined {
  if (level.inTreeModuleToRemove) return [level.inTreeModuleToRemove];
  return level.inTreeModulesToRemove === undefined ? undefined : [...level.inTreeModulesToRemove];
}
