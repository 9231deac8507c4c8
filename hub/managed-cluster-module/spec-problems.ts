import type {
  KernelMapping,
  ModprobeSpec,
  ModuleLoaderContainer,
  ModuleSpec,
} from '@open-cluster-management/api-types';
import { compilePattern } from '../../shared/kernel/pattern.ts';

/**
 * What is wrong with a moduleSpec of the right shape, each with its field: regular expressions, which no CRD can check,
 * and what only the rules of our CRD refuse, because an older CRD lets it in. Pure.
 */
export function moduleProblems(spec: ModuleSpec): string[] {
  const { moduleLoader, devicePlugin, dra, imageRepoSecret } = spec;
  const problems = [
    ...(devicePlugin && dra ? ['expected at most one of dra and devicePlugin'] : []),
    ...nameProblem('imageRepoSecret.name', imageRepoSecret?.name),
    ...nameProblem('devicePlugin.serviceAccountName', devicePlugin?.serviceAccountName),
    ...nameProblem('dra.serviceAccountName', dra?.serviceAccountName),
    ...nameProblem('moduleLoader.serviceAccountName', moduleLoader?.serviceAccountName),
    ...within('moduleLoader.container', moduleLoader ? containerProblems(moduleLoader.container) : []),
  ];
  return within('spec.moduleSpec', problems);
}

/** Expressions that compile and yet cannot match any kernel, most likely a slip of the pen. */
export function patternWarnings(spec: ModuleSpec): string[] {
  const mappings = spec.moduleLoader?.container.kernelMappings ?? [];
  return mappings.flatMap(({ regexp }, index) => {
    const slip = regexp === undefined ? undefined : controlEscape(regexp);
    if (slip === undefined || compilePattern(regexp ?? '').kind === 'invalid') return [];
    const field = `spec.moduleSpec.moduleLoader.container.kernelMappings[${index}].regexp`;
    const [, letter = ''] = slip;
    return [`${field}: \\${letter} is a control character, which no kernel version has; was \\.${letter} meant?`];
  });
}

/** The first escape that stands for a control character: `\f` in `^.+\fc37$`. */
function controlEscape(regexp: string): RegExpExecArray | undefined {
  return /(?<=(?:^|[^\\])(?:\\\\)*)\\([afnrtv])/.exec(regexp) ?? undefined;
}

function within(field: string, problems: readonly string[]): string[] {
  return problems.map((problem) => (/^expected/.test(problem) ? `${field}: ${problem}` : `${field}.${problem}`));
}

function containerProblems(container: ModuleLoaderContainer): string[] {
  const { kernelMappings, modprobe, containerImage } = container;
  return [
    ...imageProblem(containerImage),
    ...inTreeProblem(container),
    ...kernelMappings.flatMap((mapping, index) =>
      within(`kernelMappings[${index}]`, mappingProblems(mapping, containerImage)),
    ),
    ...within('modprobe', modprobeProblems(modprobe)),
  ];
}

function mappingProblems(mapping: KernelMapping, containerImage: string | undefined): string[] {
  const { literal, regexp } = mapping;
  const given = [literal, regexp].filter(Boolean).length;
  return [
    ...(given === 1 ? [] : [`expected exactly one of literal and regexp, got ${given === 0 ? 'neither' : 'both'}`]),
    ...(regexp ? regexpProblem(regexp) : []),
    ...(mapping.containerImage || containerImage ? [] : ['containerImage: expected an image here or at the container']),
    ...imageProblem(mapping.containerImage),
    ...inTreeProblem(mapping),
  ];
}

function regexpProblem(regexp: string): string[] {
  const pattern = compilePattern(regexp);
  if (pattern.kind === 'pattern') return [];
  // `\el9` is refused by RE2: a dot is missing.
  const slip = /(?<=(?:^|[^\\])(?:\\\\)*)\\([a-z])\w*\d/.exec(regexp)?.[1];
  const hint = slip === undefined ? '' : `; was \\.${slip} meant?`;
  return [`regexp: expected an RE2 expression: ${pattern.message}${hint}`];
}

function imageProblem(image: string | undefined): string[] {
  if (!image || image.includes(':') || image.includes('@')) return [];
  return [`containerImage: expected a tag or a digest, got ${JSON.stringify(image)}`];
}

function inTreeProblem(level: Pick<KernelMapping, 'inTreeModuleToRemove' | 'inTreeModulesToRemove'>): string[] {
  const both = Boolean(level.inTreeModuleToRemove) && (level.inTreeModulesToRemove?.length ?? 0) > 0;
  return both ? ['inTreeModulesToRemove: expected it or inTreeModuleToRemove, got both'] : [];
}

function modprobeProblems(modprobe: ModprobeSpec): string[] {
  const { moduleName, rawArgs, modulesLoadingOrder: order = [] } = modprobe;
  const raw = [rawArgs?.load, rawArgs?.unload].filter(Boolean).length;
  const problems = [];
  if (moduleName && raw > 0) problems.push('expected either moduleName or rawArgs, got both');
  if (!moduleName && raw < 2) problems.push('expected moduleName, or rawArgs with both load and unload');
  if (order.length === 0) return problems;
  if (order.length < 2) problems.push('modulesLoadingOrder: expected at least two kernel modules');
  if (order[0] !== moduleName) problems.push('modulesLoadingOrder: expected moduleName as the first of the list');
  if (new Set(order).size < order.length) problems.push('modulesLoadingOrder: expected each kernel module once');
  return problems;
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Names of objects on the spoke: what Kubernetes takes for none would fail there only, and for every pod. */
function nameProblem(field: string, name: string | undefined): string[] {
  if (!name || subdomain.test(name)) return [];
  return [`${field}: expected the name of an object, got ${JSON.stringify(name.slice(0, 64))}`];
}
