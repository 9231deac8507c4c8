import type { ModuleSpec } from '@open-cluster-management/api-types';
import { canonicalJson } from '../../shared/core/hash.ts';
import { parseReference } from '../../shared/registry/reference.ts';
import type { Revision } from './revision.ts';
import { shippedSpec } from './shipped-spec.ts';
import { mappingsIn } from './work.ts';

/** Characters of the remembered spec: all annotations of an object together may have 256 KiB. */
export const adoptedCharsMax = 128 * 1024;

/**
 * Whether a work that upstream's hub wrote says what `revision` says: everything but the mappings is the same, and each
 * mapping has the image of the one that the revision gives to its kernel, by tag or by a digest of the same repository.
 * Then it is adopted as it is; else `moduleSpec` was edited since, and it gets a new state like any other cluster.
 */
export function saysTheSame(adopted: ModuleSpec, revision: Revision): boolean {
  if (canonicalJson(shippedSpec(adopted, [])) !== canonicalJson(shippedSpec(revision.moduleSpec, []))) return false;
  return mappingsIn(adopted).every(({ literal, containerImage, inTreeModulesToRemove = [] }) => {
    const answer = revision.resolve(literal);
    return (
      answer.kind === 'match' &&
      sameImage(containerImage, answer.mapping.containerImage) &&
      canonicalJson(inTreeModulesToRemove) === canonicalJson(answer.mapping.inTreeModulesToRemove)
    );
  });
}

function sameImage(shipped: string, wanted: string): boolean {
  if (shipped === wanted) return true;
  const [a, b] = [parseReference(shipped), parseReference(wanted)];
  if (a.kind === 'invalid' || b.kind === 'invalid' || a.reference.digest === undefined) return false;
  return a.reference.registry === b.reference.registry && a.reference.repository === b.reference.repository;
}

/** The remembered spec, or undefined when the annotation is absent or was garbled. */
export function parseAdopted(text: string | undefined): ModuleSpec | undefined {
  if (text === undefined || text.length > adoptedCharsMax) return undefined;
  try {
    const spec: unknown = JSON.parse(text);
    return typeof spec === 'object' && spec !== null && !Array.isArray(spec) ? (spec as ModuleSpec) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
