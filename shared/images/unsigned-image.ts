import { formatReference, parseReference } from '../registry/reference.ts';

/** Characters of a tag: the distribution specification's limit. */
const tagCharsMax = 128;

/**
 * The name under which a build leaves an image that is still to be signed (contract 10):
 * `<image>:<tag>-<namespace>_<module>_kmm_unsigned`. Nothing ever loads it, and it may be deleted once the signed image
 * is there (checklist 85, 86). An error when the tag would be too long (checklist 221).
 */
export function unsignedImageOf(
  image: string,
  module: { namespace: string; name: string },
): { kind: 'image'; image: string } | { kind: 'error'; message: string } {
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') return { kind: 'error', message: parsed.message };
  const { registry, repository, tag = 'latest' } = parsed.reference;
  const temporary = `${tag}-${module.namespace}_${module.name}_kmm_unsigned`;
  if (temporary.length > tagCharsMax) {
    const message = `expected at most ${tagCharsMax} characters in the tag of the unsigned image, got ${temporary.length} in ${temporary}: shorten the tag by ${temporary.length - tagCharsMax}`;
    return { kind: 'error', message };
  }
  return { kind: 'image', image: formatReference({ registry, repository, tag: temporary }) };
}
