import type { ManifestWork } from '@open-cluster-management/api-types';
import { parseReference } from '../../shared/registry/reference.ts';
import type { Revision } from './revision.ts';
import { mappingsIn, viewWork } from './work.ts';

/** Where works of one revision are found. */
export interface ShippedWorks {
  /** Works of `module` that name this revision, in a fixed order. */
  ofRevision(module: string, revision: string): readonly ManifestWork[];
}

/**
 * The digests that were fixed per (revision, image name): a moved tag never moves a fleet (contract 3). The trigger
 * generation is a part of the `moduleSpec`, and so of the revision.
 *
 * After a restart they are read back from the works. Cost: one pass over the works of a revision when it is first asked
 * about, of a few map look-ups each; a work's hash is checked only when it would teach a new digest.
 */
export class Digests {
  #fixed = new Map<string, Map<string, string>>();
  #works: ShippedWorks;

  constructor(works: ShippedWorks) {
    this.#works = works;
  }

  of(module: { name: string; spokeNamespace: string }, revision: Revision, image: string): string | undefined {
    return this.#ofRevision(module, revision).get(image);
  }

  /** From now on this revision ships the image with this digest and no other; the first word counts. */
  fix(
    module: { name: string; spokeNamespace: string },
    revision: Revision,
    verified: { image: string; digest: string },
  ) {
    const known = this.#ofRevision(module, revision);
    if (!known.has(verified.image)) known.set(verified.image, verified.digest);
  }

  forget(module: string): void {
    for (const key of this.#fixed.keys()) if (key.startsWith(`${module}/`)) this.#fixed.delete(key);
  }

  #ofRevision(module: { name: string; spokeNamespace: string }, revision: Revision): Map<string, string> {
    const key = `${module.name}/${revision.name}`;
    const known = this.#fixed.get(key);
    if (known !== undefined) return known;
    const works = this.#works.ofRevision(module.name, revision.name);
    const read = readBack(works, revision, module.spokeNamespace);
    this.#fixed.set(key, read);
    return read;
  }
}

/** Only works that nobody edited can tell what was shipped, and only images that are named by digest. */
function readBack(works: readonly ManifestWork[], revision: Revision, spokeNamespace: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const work of works) {
    const view = viewWork(work, spokeNamespace, 'unchecked');
    const news = mappingsIn(view.spec).flatMap(({ literal, containerImage }) => {
      const answer = revision.resolve(literal);
      if (answer.kind !== 'match' || found.has(answer.mapping.containerImage)) return [];
      const digest = digestOf(containerImage, answer.mapping.containerImage);
      return digest === undefined ? [] : [[answer.mapping.containerImage, digest] as const];
    });
    if (news.length === 0 || !viewWork(work, spokeNamespace).genuine) continue;
    for (const [image, digest] of news) found.set(image, digest);
  }
  return found;
}

/** The digest that `shipped` fixes, if it is of the repository that `named` names. */
function digestOf(shipped: string, named: string): string | undefined {
  const [pinned, wanted] = [parseReference(shipped), parseReference(named)];
  if (pinned.kind === 'invalid' || wanted.kind === 'invalid') return undefined;
  const { registry, repository, digest } = pinned.reference;
  const sameRepository = registry === wanted.reference.registry && repository === wanted.reference.repository;
  return sameRepository ? digest : undefined;
}
