import type { ModuleSpec } from '@open-cluster-management/api-types';
import { frozen } from '../../shared/core/frozen.ts';
import { rememberText } from '../../shared/core/hash.ts';
import { isRecord } from '../../shared/core/record.ts';

/** A kernel's line in the Module that a spoke gets: always the list form of the in-tree modules (trap T6). */
export interface ShippedMapping {
  literal: string;
  containerImage: string;
  inTreeModulesToRemove?: string[];
}

/** Fields of the loader container that only the hub uses, or that every mapping already holds resolved. */
const hubOnly = [
  'build',
  'sign',
  'registryTLS',
  'containerImage',
  'inTreeModuleToRemove',
  'inTreeModulesToRemove',
  'kernelMappings',
] as const;

/**
 * The spec of the Module on the spoke: a copy of `moduleSpec` whose kernel mappings are `mappings`, in the order of their
 * literals. Never aliases or changes `moduleSpec`: one cluster's mappings must not reach another (trap T1). Without
 * `moduleLoader` there are no mappings. Frozen: clusters that get the same share it, with its canonical JSON.
 */
export function shippedSpec(moduleSpec: ModuleSpec, mappings: readonly ShippedMapping[]): ModuleSpec {
  const known = specsKnown.get(moduleSpec) ?? { specs: new Map(), chars: 0 };
  specsKnown.set(moduleSpec, known);
  const key = JSON.stringify(mappings);
  const present = known.specs.get(key);
  if (present !== undefined) return present;
  if (known.chars + key.length > specsCharsMax) {
    known.specs.clear();
    known.chars = 0;
  }
  const spec = rememberText(frozen(specWith(moduleSpec, mappings)));
  known.specs.set(key, spec);
  known.chars += key.length;
  return spec;
}

const specsKnown = new WeakMap<ModuleSpec, { specs: Map<string, ModuleSpec>; chars: number }>();
/** Of the mappings, for one module and version: which kernels clusters run is text from them. Some 3 MB at most. */
const specsCharsMax = 512 * 1024;

function specWith(moduleSpec: ModuleSpec, mappings: readonly ShippedMapping[]): ModuleSpec {
  const { moduleLoader, ...rest } = moduleSpec;
  const wanted: Record<string, unknown> = { ...rest };
  // Upstream's hub writes null for what is not there.
  if (moduleLoader) wanted['moduleLoader'] = shippedLoader(moduleLoader, mappings);
  return withoutEmptyFields({ ...cleanSections(wanted), selector: moduleSpec.selector }) as unknown as ModuleSpec;
}

function shippedLoader(moduleLoader: NonNullable<ModuleSpec['moduleLoader']>, mappings: readonly ShippedMapping[]) {
  const container: Record<string, unknown> = { ...moduleLoader.container };
  for (const field of hubOnly) delete container[field];
  return {
    ...moduleLoader,
    container: { ...dropEmptyMembers(container), kernelMappings: mappings.map(shippedMapping).sort(byLiteral) },
  };
}

export function shippedMapping({ literal, containerImage, inTreeModulesToRemove }: ShippedMapping): ShippedMapping {
  return inTreeModulesToRemove === undefined || inTreeModulesToRemove.length === 0
    ? { literal, containerImage }
    : { literal, containerImage, inTreeModulesToRemove };
}

function byLiteral(a: ShippedMapping, b: ShippedMapping): number {
  return a.literal < b.literal ? -1 : a.literal > b.literal ? 1 : 0;
}

/** The sections of a Module: an empty text or object in them says the same as an absent one. */
const sections = ['moduleLoader', 'devicePlugin', 'dra'] as const;

function cleanSections(spec: Record<string, unknown>): Record<string, unknown> {
  const cleaned = dropEmptyMembers(spec);
  for (const section of sections) {
    const value = cleaned[section];
    if (isRecord(value)) cleaned[section] = dropEmptyMembers(value);
  }
  return cleaned;
}

/** One level only: deeper ones may hold values that mean something when empty (`emptyDir: {}`, a label's value). */
function dropEmptyMembers(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, member]) => member !== '' && !(isRecord(member) && Object.keys(member).length === 0),
    ),
  );
}

/** Null and empty lists mean the same as nothing at every level; a deep copy on the way. */
function withoutEmptyFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyFields);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([, member]) => member !== undefined && member !== null && !(Array.isArray(member) && member.length === 0),
      )
      .map(([name, member]) => [name, withoutEmptyFields(member)]),
  );
}
